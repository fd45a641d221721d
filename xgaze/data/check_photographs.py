"""Faults of photographs with attention maps, those that show only in decoded pixels included."""

from xgaze.data.check_faults import Fault
from xgaze.data.check_pixels import picture_faults
from xgaze.data.check_table import class_faults, split_faults
from xgaze.data.open import open_recording
from xgaze.data.sources.attention_pictures import scanned
from xgaze.data.sources.decoding import PictureError
from xgaze.data.sources.photographs import PhotographRecording
from xgaze.data.sources.pictures import in_threads
from xgaze.data.square import stretched_grey
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import AttentionPicturesData, PhotographSection


def photograph_faults(data: PhotographSection, advance: Advance | None) -> list[Fault]:
    """Every fault: of tables and splits, of files that are absent or cannot be read, and blank maps."""
    if isinstance(data, AttentionPicturesData) and (faults := scanned(data)[2]):
        return faults
    try:
        recording = open_recording(data)  # type: ignore[arg-type]  # every such section is one of Data
    except InputError as error:
        return [Fault("definition", str(error))]
    assert isinstance(recording, PhotographRecording)
    table = recording.table
    faults = split_faults(table, recording.spec.groups)
    faults += class_faults(table, table["label"].map(dict(enumerate(recording.spec.classes))), recording.spec.groups)
    faults += picture_faults(recording.pictures, list(table["split"]), advance)
    return faults if data.attention == "none" else faults + _map_faults(recording)


def _map_faults(recording: PhotographRecording) -> list[Fault]:
    """One fault for each map that cannot be read or is blank."""
    rows = [row for row in range(len(recording.table)) if recording.maps.has(row)]
    return [fault for fault in in_threads(lambda row: _look_at_map(recording, row), rows, None) if fault]


def _look_at_map(recording: PhotographRecording, row: int) -> Fault | None:
    try:
        stretched_grey(recording.maps.read(row), recording.maps.name(row))
    except PictureError as error:
        return Fault(error.kind, str(error))
    except InputError as error:
        return Fault("blank map", str(error))
    return None
