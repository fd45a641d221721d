"""Faults of a manifest, those that show only in decoded pixels included."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.pixel_faults import Looked, faults_of, kept_hashes, look_at_views, remarks_of
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.manifests.manifest_recording import ManifestRecording, fitted, look_into
from xgaze.data.manifests.manifest_section import ManifestData
from xgaze.data.manifests.video_frames import kept_frames
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
    faults += _video_faults(recording, advance)
    pictures = recording.found.files.keys() - recording.found.frames.keys()
    rows = list(range(len(recording.table))) if pictures else []
    looked = kept_hashes(in_threads(lambda row: _look(recording, row), rows, advance), len(rows), len(pictures))
    told = [one for one in faults_of(looked) if not _told_before(one)]
    return Checked(
        (*faults, *told, *copy_faults(looked)), (*recording.notes, *remarks_of(looked), *copies_told(looked))
    )


def _video_faults(recording: ManifestRecording, advance: Advance | None) -> list[Fault]:
    """Of every video that is there, each by itself. Its frames are decoded, and kept for whoever opens it."""
    found, where = recording.found, recording.data.path.parent
    wanted = [
        (name, file, np.unique(frames[(np.array(found.files[name]) == file) & (frames >= 0)]))
        for name, frames in found.frames.items()
        for file in dict.fromkeys(found.files[name])
        if file and (where / file).is_file()
    ]
    faults = []
    for done, (name, file, frames) in enumerate(wanted, start=1):
        try:
            if len(frames):
                kept_frames(where / file, frames, recording.data.inputs[name])
        except InputError as error:
            faults.append(Fault("undecodable image", str(error)))
        if advance:
            advance(done, len(wanted))
    return faults


def _look(recording: ManifestRecording, row: int) -> Looked:
    inputs = recording.data.inputs

    def read(view: str, decoded: Decoded, path: Path) -> NDArray[np.uint8]:
        return fitted(decoded, path, inputs[view])

    pictures = {name: own for name, own in recording.found.files.items() if name not in recording.found.frames}
    files = {name: own[row] for name, own in pictures.items() if own[row]}
    grey = {name: one.channels == 1 for name, one in inputs.items()}
    absent = {name: inputs[name].spec(name).absent for name in pictures if _lacks(recording, name, row)}
    whole = len(files) + len(absent) == len(pictures)
    split, owner = (str(recording.table[name].iat[row]) for name in ("split", "group"))
    looked = look_at_views(f"row {row + 1}", split, recording.data.path.parent, files, read, whole, grey, absent)
    return replace(looked, owner=owner)


def _lacks(recording: ManifestRecording, name: str, row: int) -> bool:
    return name in recording.found.missing and bool(recording.found.missing[name][row])


def _told_before(fault: Fault) -> bool:
    """A file that is missing was found without decoding."""
    return fault.kind == "undecodable image" and " no such file (" in fault.message
