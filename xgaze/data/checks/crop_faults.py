"""Faults of photographs with fixations, and of lists of crops, those that show only in decoded pixels included."""

from xgaze.data.checks.pixel_faults import faults_of, look_at_pictures, remarks_of
from xgaze.data.checks.table_faults import split_faults
from xgaze.data.crops.fixation_crop_recording import FixationCropRecording, PhotographFiles
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.fixations.loading import check_fixations
from xgaze.data.open import open_recording
from xgaze.data.photographs.photograph_recording import Files
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import CropListsData, FixationCropsData


def check_crops(data: FixationCropsData | CropListsData, advance: Advance | None) -> Checked:
    """Every fault: of the table, of splits, and of photographs that are absent, cannot be read or lie in two splits."""
    if isinstance(data, FixationCropsData):
        settings = data.fixations.model_copy(update={"min_fixations": 1})
        if faults := check_fixations(data.path / data.table, settings):
            return Checked(tuple(faults))
    try:
        recording = open_recording(data)
    except InputError as error:
        return Checked((Fault("definition", str(error)),))
    faults = split_faults(recording.table, recording.spec.groups)
    if not isinstance(recording, FixationCropRecording):
        return Checked(tuple(faults))
    assert isinstance(recording.photographs, PhotographFiles)
    splits = recording.table.drop_duplicates("participant")["split"]
    looked = look_at_pictures(Files(recording.photographs.files), list(splits), advance)
    return Checked((*faults, *faults_of(looked)), (*recording.notes, *remarks_of(looked, "photographs")))
