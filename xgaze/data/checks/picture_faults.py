"""Faults of pictures of gaze, those that show only in decoded pixels included."""

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.pixel_faults import faults_of, look_at_pictures, remarks_of
from xgaze.data.checks.table_faults import class_faults, split_faults
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.pictures.picture_recording import splits_of
from xgaze.data.pictures.picture_scan import PictureScan, scan_pictures
from xgaze.errors import InputError
from xgaze.progress import Advance


def check_pictures(data: GazeImagesData, advance: Advance | None) -> Checked:
    """Of the table, of splits and classes, and of pictures that cannot be read or lie in two splits."""
    found = scan_pictures(data)
    splits, owners, faults = _check_splits(found, data)
    looked = look_at_pictures(found.pictures, splits, owners, advance, grey=data.channels == 1)
    faults += [*faults_of(looked), *copy_faults(looked)]
    return Checked((*found.faults, *faults), (*found.notes, *remarks_of(looked), *copies_told(looked)))


def _check_splits(found: PictureScan, data: GazeImagesData) -> tuple[list[str], list[str], list[Fault]]:
    """Split and owner of each picture, "" where they cannot be known, and what is wrong with the splits."""
    rows, unknown = found.labels.rows, [""] * len(found.pictures)
    if len(rows) != len(found.pictures) or not len(rows):
        return unknown, unknown, []
    usable = (rows["class_name"] != "") & (rows["participant"] != "")
    kept = rows[usable]
    try:
        table = kept.assign(split=splits_of(kept, data)).rename(columns={"participant": "group"})
    except InputError as error:
        return unknown, unknown, [Fault("empty split", str(error))]
    splits = table["split"].reindex(rows.index, fill_value="")
    return list(splits), list(rows["participant"]), split_faults(table) + class_faults(table, table["class_name"])
