"""Faults of photographs with fixations, and of lists of crops, those that show only in decoded pixels included."""

from xgaze.data.check_faults import Fault
from xgaze.data.check_pixels import picture_faults
from xgaze.data.check_table import split_faults
from xgaze.data.fixations.read import check_fixations
from xgaze.data.open import open_recording
from xgaze.data.sources.attention_pictures import Files
from xgaze.data.sources.fixation_crops import FixationCropRecording, PhotographFiles
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import CropListsData, FixationCropsData


def crop_faults(data: FixationCropsData | CropListsData, advance: Advance | None) -> list[Fault]:
    """Every fault: of the table, of splits, and of photographs that are absent, cannot be read or lie in two splits."""
    if isinstance(data, FixationCropsData):
        settings = data.fixations.model_copy(update={"min_fixations": 1})
        if faults := check_fixations(data.path / data.table, settings):
            return faults
    try:
        recording = open_recording(data)
    except InputError as error:
        return [Fault("definition", str(error))]
    faults = split_faults(recording.table, recording.spec.groups)
    if not isinstance(recording, FixationCropRecording):
        return faults
    assert isinstance(recording.photographs, PhotographFiles)
    splits = recording.table.drop_duplicates("participant")["split"]
    return faults + picture_faults(Files(recording.photographs.files), list(splits), advance)
