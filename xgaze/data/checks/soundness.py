"""Is a recording sound? Looks at everything, stops at nothing, writes nothing."""

from dataclasses import replace

import pandas as pd

from xgaze.data.checks.crop_faults import check_crops
from xgaze.data.checks.photograph_faults import check_photographs
from xgaze.data.checks.pixel_faults import faults_of, look_at_frames, look_at_pictures, remarks_of
from xgaze.data.checks.table_faults import class_faults, gaze_faults, split_faults
from xgaze.data.eyes.eye_scan import scan
from xgaze.data.fault_kinds import KINDS, REMEDIES, Checked, Fault, Kind, summarise
from xgaze.data.fixations.fixation_scan import scan_fixations, table_faults
from xgaze.data.notes import remarks
from xgaze.data.pictures.picture_scan import PictureScan, scan_pictures
from xgaze.data.sources.arrays import ONLY_PYTHON
from xgaze.data.sources.fixation_table import groups_of
from xgaze.data.sources.fixation_table import splits_of as scanpath_splits_of
from xgaze.data.sources.gaze_images import splits_of
from xgaze.data.sources.rendered import open_rendered
from xgaze.data.splits import too_few
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import (
    ArraysData,
    CropListsData,
    Data,
    EyeFoldersData,
    FixationCropsData,
    FixationTableData,
    GazeImagesData,
    PhotographSection,
    RenderedData,
)

__all__ = ["KINDS", "REMEDIES", "Fault", "Kind", "check", "checked", "remarks", "summarise"]


def check(data: Data, advance: Advance | None = None) -> list[Fault]:
    """Every fault of a recording, by kind in the order of `KINDS`; advance(done, total) follows the decoding."""
    return list(checked(data, advance).faults)


def checked(data: Data, advance: Advance | None = None) -> Checked:
    """The same, with what shows of a recording of pictures that is no fault."""
    if isinstance(data, EyeFoldersData):
        found = _check_eyes(data, advance)
    elif isinstance(data, GazeImagesData):
        found = _check_pictures(data, advance)
    elif isinstance(data, FixationTableData):
        found = Checked(tuple(_check_fixations(data)))
    elif isinstance(data, PhotographSection):
        found = check_photographs(data, advance)
    elif isinstance(data, FixationCropsData | CropListsData):
        found = check_crops(data, advance)
    elif isinstance(data, ArraysData):
        raise InputError(ONLY_PYTHON)
    else:
        found = Checked(tuple(_check_rendered(data, advance)))
    return replace(found, faults=tuple(sorted(found.faults, key=lambda fault: KINDS.index(fault.kind))))


def _check_eyes(data: EyeFoldersData, advance: Advance | None) -> Checked:
    """A recording without labels is for prediction, and needs no splits."""
    found = scan(data)
    people = [(session.participant, session.split) for session in found.sessions if session.frames]
    few = too_few(pd.DataFrame(people, columns=["participant", "split"], dtype=object)) if data.labels else []
    looked = look_at_frames(found.sessions, data, advance)
    faults = (*found.faults, *(Fault("too few", told) for told in few), *faults_of(looked))
    return Checked(faults, (*found.notes, *remarks_of(looked)))


def _check_pictures(data: GazeImagesData, advance: Advance | None) -> Checked:
    found = scan_pictures(data)
    splits, faults = _check_splits(found, data)
    looked = look_at_pictures(found.pictures, splits, advance, grey=data.channels == 1)
    return Checked((*found.faults, *faults, *faults_of(looked)), (*found.notes, *remarks_of(looked)))


def _check_splits(found: PictureScan, data: GazeImagesData) -> tuple[list[str], list[Fault]]:
    """Split of each picture, "" where it cannot be known, and what is wrong with the splits."""
    rows, unknown = found.labels.rows, [""] * len(found.pictures)
    if len(rows) != len(found.pictures) or not len(rows):
        return unknown, []
    usable = (rows["class_name"] != "") & (rows["participant"] != "")
    kept = rows[usable]
    try:
        table = kept.assign(split=splits_of(kept, data))
    except InputError as error:
        return unknown, [Fault("empty split", str(error))]
    splits = table["split"].reindex(rows.index, fill_value="")
    return list(splits), split_faults(table) + class_faults(table, table["class_name"])


def _check_fixations(data: FixationTableData) -> list[Fault]:
    """Scanpaths are cut, and splits drawn, only from a table that is sound in itself."""
    if faults := table_faults(data):
        return faults
    try:
        found = scan_fixations(data)
    except InputError as error:
        return [Fault("definition", str(error))]
    if found.faults:
        return list(found.faults)
    try:
        splits = scanpath_splits_of(found.rows, data)
    except InputError as error:
        return [Fault("empty split", str(error))]
    table = found.rows.assign(split=splits).rename(columns={"group": "participant"})
    classes = class_faults(table, table["class_name"], groups_of(data)) if "class_name" in table else []
    return split_faults(table, groups_of(data)) + classes


def _check_rendered(data: RenderedData, advance: Advance | None) -> list[Fault]:
    try:
        recording = open_rendered(data, advance)
    except InputError as error:
        return [Fault("definition", str(error))]
    return split_faults(recording.table) + gaze_faults(recording.table, recording.spec)
