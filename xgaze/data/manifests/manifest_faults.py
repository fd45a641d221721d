"""Faults of a manifest, those that show only in decoded pixels included."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.pixel_faults import Looked, faults_of, kept_hashes, look_at_views, remarks_of
from xgaze.data.fault_kinds import Checked, Fault, among
from xgaze.data.manifests.manifest_recording import ManifestRecording, fitted, look_into
from xgaze.data.manifests.manifest_section import ManifestData
from xgaze.data.manifests.video_frames import kept_frames
from xgaze.data.pictures.decoding import Decoded
from xgaze.data.pictures.pixels import in_threads
from xgaze.errors import InputError
from xgaze.progress import Advance


def check_manifest(data: ManifestData, advance: Advance | None) -> Checked:
    """Of the table, and of pictures and videos that cannot be read, have another size, or show in two splits the same."""
    try:
        recording, faults = look_into(data)
    except InputError as error:
        return Checked((Fault("label table", str(error)),))
    videos = _videos(recording, faults, advance)
    views = len(recording.found.files)
    rows = list(range(len(recording.table))) if views else []
    looked = kept_hashes(in_threads(lambda row: _look(recording, videos, row), rows, advance), len(rows), views)
    told = [one for one in faults_of(looked) if not _told_before(one)]
    return Checked(
        (*faults, *told, *copy_faults(looked)), (*recording.notes, *remarks_of(looked), *copies_told(looked))
    )


Videos = Mapping[tuple[str, str], tuple[Path, NDArray[np.int64]]]
"""(input, file) -> where the pixels of its frames lie, and which these are, ascending."""


def _videos(recording: ManifestRecording, faults: list[Fault], advance: Advance | None) -> Videos:
    """Every video that is there, each by itself. Its frames are decoded, and kept for whoever opens it; what is wrong with it is
    added to the faults."""
    found, where = recording.found, recording.data.path.parent
    wanted = [
        (name, file, np.unique(frames[(np.array(found.files[name]) == file) & (frames >= 0)]))
        for name, frames in found.frames.items()
        for file in dict.fromkeys(found.files[name])
        if file and (where / file).is_file()
    ]
    kept = {}
    for done, (name, file, frames) in enumerate(wanted, start=1):
        with among(faults, "undecodable image"):
            if len(frames):
                kept[name, file] = kept_frames(where / file, frames, recording.data.inputs[name]), frames
        if advance:
            advance(done, len(wanted))
    return kept


def _frames_of(recording: ManifestRecording, videos: Videos, row: int) -> dict[str, NDArray[np.uint8]]:
    """The frames of a row that could be decoded, by input."""
    found = {}
    for name, frames in recording.found.frames.items():
        kept, numbers = videos.get((name, recording.found.files[name][row]), (None, np.zeros(0, np.int64)))
        if kept is not None and frames[row] in numbers:
            place = int(np.searchsorted(numbers, frames[row]))
            found[name] = np.array(np.load(kept, mmap_mode="r", allow_pickle=False)[place])
    return found


def _look(recording: ManifestRecording, videos: Videos, row: int) -> Looked:
    inputs, shown = recording.data.inputs, _frames_of(recording, videos, row)

    def read(view: str, decoded: Decoded, path: Path) -> NDArray[np.uint8]:
        return fitted(decoded, path, inputs[view])

    views = recording.found.files
    files = {name: own[row] for name, own in views.items() if own[row] and name not in recording.found.frames}
    grey = {name: one.channels == 1 for name, one in inputs.items()}
    absent = {name: inputs[name].spec(name).absent for name in views if _lacks(recording, name, row)}
    whole = len(files) + len(shown) + len(absent) == len(views)
    split, owner = (str(recording.table[name].iat[row]) for name in ("split", "group"))
    where = recording.data.path.parent
    looked = look_at_views(f"row {row + 1}", split, where, files, read, whole, grey, absent, shown)
    return replace(looked, owner=owner)


def _lacks(recording: ManifestRecording, name: str, row: int) -> bool:
    return name in recording.found.missing and bool(recording.found.missing[name][row])


def _told_before(fault: Fault) -> bool:
    """A file that is missing was found without decoding."""
    return fault.kind == "undecodable image" and " no such file (" in fault.message
