"""Faults of photographs with attention maps, those that show only in decoded pixels included."""

from collections.abc import Callable
from dataclasses import replace

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.pixel_faults import Looked, faults_of, look_at_pictures, remarks_of, told_of
from xgaze.data.checks.table_faults import class_faults, split_faults
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.photographs.photograph_recording import PhotographRecording
from xgaze.data.photographs.square import stretched_grey
from xgaze.data.photographs.stimulus_files import same_shape
from xgaze.data.pictures.decoding import PictureError
from xgaze.data.pictures.pixels import in_threads
from xgaze.errors import InputError
from xgaze.progress import Advance


def check_photographs(opened: Callable[[], PhotographRecording], advance: Advance | None) -> Checked:
    """Every fault: of tables and splits, of files that are absent or cannot be read, and blank maps."""
    try:
        recording = opened()
    except InputError as error:
        return Checked((Fault("definition", str(error)),))
    table = recording.table
    faults = split_faults(table, recording.spec.groups)
    faults += class_faults(table, table["label"].map(dict(enumerate(recording.spec.classes))), recording.spec.groups)
    pictures = look_at_pictures(recording.pictures, list(table["split"]), list(map(str, table["group"])), advance)
    maps = _look_at_maps(recording)
    shapes = [one for one in (_other_shape(*pair) for pair in zip(pictures, maps, strict=True)) if one]
    told = [
        *remarks_of(pictures, "photographs"),
        *copies_told(pictures),
        *remarks_of(maps, "attention maps"),
        *_shapes_told(shapes),
    ]
    found = (*faults_of(pictures), *copy_faults(pictures, recording.spec.groups), *faults_of(maps))
    return Checked((*faults, *found), tuple(told))


def _look_at_maps(recording: PhotographRecording) -> list[Looked]:
    """Every map that the settings use; of those that are not there nothing is known."""
    used = recording.settings.attention != "none"
    return list(in_threads(lambda row: _look_at_map(recording, row, used), range(len(recording.table)), None))


def _look_at_map(recording: PhotographRecording, row: int, used: bool) -> Looked:
    name, split = recording.maps.name(row), str(recording.table["split"].iat[row])
    nothing = Looked(name, split, "", (), pictures=0)
    if not used or not recording.maps.has(row):
        return nothing
    try:
        decoded = recording.maps.decode(row)
        stretched_grey(decoded.picture, name)
    except PictureError as error:
        return replace(nothing, faults=(Fault(error.kind, str(error)),), pictures=1)
    except InputError as error:
        return replace(nothing, faults=(Fault("blank map", str(error)),), pictures=1)
    return Looked(name, split, "", (), told_of(decoded, grey=True), 1, decoded.picture.size)


def _other_shape(photograph: Looked, attention: Looked) -> str:
    (width, height), (map_width, map_height) = photograph.size, attention.size
    # Maps that are square whatever the photograph were stretched on purpose.
    if 0 in (width, map_width) or map_width == map_height or same_shape(photograph.size, attention.size):
        return ""
    return f"{attention.name} is {map_width}x{map_height} px, its photograph {width}x{height} px"


def _shapes_told(shapes: list[str]) -> list[str]:
    if not shapes:
        return []
    return [
        f"{len(shapes):,} attention maps are of another aspect than their photographs and are stretched: {shapes[0]}."
    ]
