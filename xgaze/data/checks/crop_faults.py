"""Faults of photographs with fixations, and of lists of crops, those that show only in decoded pixels included."""

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.pixel_faults import faults_of, look_at_pictures, remarks_of
from xgaze.data.checks.table_faults import split_faults
from xgaze.data.crops.crop_list_files import open_crop_lists
from xgaze.data.crops.crop_sections import CropListsData, FixationCropsData
from xgaze.data.crops.fixation_crop_recording import open_fixation_crops
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.fixations.loading import check_fixations
from xgaze.data.photographs.photograph_recording import Files
from xgaze.errors import InputError
from xgaze.progress import Advance


def check_crop_lists(data: CropListsData) -> Checked:
    """Of lists and maps that cannot be read, and of splits."""
    try:
        recording = open_crop_lists(data)
    except InputError as error:
        return Checked((Fault("definition", str(error)),))
    return Checked(tuple(split_faults(recording.table, recording.spec.groups)))


def check_fixation_crops(data: FixationCropsData, advance: Advance | None) -> Checked:
    """Every fault: of the table, of splits, and of photographs that are absent, cannot be read or lie in two splits."""
    settings = data.fixations.model_copy(update={"min_fixations": 1})
    if faults := check_fixations(data.path / data.table, settings):
        return Checked(tuple(faults))
    try:
        recording = open_fixation_crops(data)
    except InputError as error:
        return Checked((Fault("definition", str(error)),))
    found = split_faults(recording.table, recording.spec.groups)
    own = recording.table.drop_duplicates("group")
    looked = look_at_pictures(Files(recording.files), list(own["split"]), list(map(str, own["group"])), advance)
    every = (*found, *faults_of(looked), *copy_faults(looked, recording.spec.groups))
    return Checked(every, (*recording.notes, *remarks_of(looked, "photographs"), *copies_told(looked)))
