"""Faults of a manifest, those that show only in decoded pixels included."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.data.checks.pixel_faults import Looked, faults_of, look_at_views, remarks_of
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.manifests.manifest_recording import ManifestRecording, fitted, look_into, with_videos
from xgaze.data.manifests.manifest_section import ManifestData
from xgaze.data.pictures.decoding import Decoded
from xgaze.data.pictures.pixels import in_threads
from xgaze.errors import InputError
from xgaze.progress import Advance


def check_manifest(data: ManifestData, advance: Advance | None) -> Checked:
    """Of the table, and of pictures that cannot be read, have another size, or lie in two splits."""
    try:
        recording, faults = look_into(data)
    except InputError as error:
        return Checked((Fault("label table", str(error)),))
    if not faults:
        try:
            with_videos(recording, advance)
        except InputError as error:
            return Checked((Fault("undecodable image", str(error)),), recording.notes)
    pictures = recording.found.files.keys() - recording.found.frames.keys()
    rows = list(range(len(recording.table))) if pictures else []
    looked = list(in_threads(lambda row: _look(recording, row), rows, advance))
    told = [one for one in faults_of(looked) if not _told_before(one)]
    return Checked((*faults, *told), (*recording.notes, *remarks_of(looked)))


def _look(recording: ManifestRecording, row: int) -> Looked:
    inputs = recording.data.inputs

    def read(view: str, decoded: Decoded, path: Path) -> NDArray[np.uint8]:
        return fitted(decoded, path, inputs[view])

    pictures = {name: own for name, own in recording.found.files.items() if name not in recording.found.frames}
    files = {name: own[row] for name, own in pictures.items() if own[row]}
    grey = {name: one.channels == 1 for name, one in inputs.items()}
    whole = len(files) == len(pictures)
    split = str(recording.table["split"].iat[row])
    return look_at_views(f"row {row + 1}", split, recording.data.path.parent, files, read, whole, grey)


def _told_before(fault: Fault) -> bool:
    """A file that is missing was found without decoding."""
    return fault.kind == "undecodable image" and " no such file (" in fault.message
