"""What lies in a folder or .npz of gaze pictures, and every fault that shows without decoding them."""

from dataclasses import dataclass, replace
from pathlib import Path

from xgaze.data.fault_kinds import Fault
from xgaze.data.pictures.decoding import SUFFIXES
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.pictures.namesakes import people_told, spelt_alike, with_people, with_people_to_predict
from xgaze.data.pictures.picture_files import (
    Cropped,
    PictureFiles,
    Pictures,
    array_at,
    pictures_below,
    read_array,
    table_beside,
)
from xgaze.data.pictures.picture_labels import PictureRows, rows_of_folders, rows_of_table, rows_of_unsorted
from xgaze.data.pictures.picture_names import rows_of_names
from xgaze.data.pictures.walk import is_shown, printable, told_left_out, told_twins, walk
from xgaze.errors import InputError


@dataclass(frozen=True, eq=False)
class PictureScan:
    """Pictures and their rows; with faults, there may be fewer rows than pictures or the other way round."""

    pictures: Pictures
    labels: PictureRows
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()
    """What was left out or assumed, in words."""


def scan_pictures(data: GazeImagesData) -> PictureScan:
    """Look through pictures laid out class/participant/picture, or with names that say both, or an .npz with its CSV."""
    problem = _unusable(data.path)
    if problem:
        return _nothing(data.path, problem)
    try:
        array = array_at(data.path)
    except InputError as error:
        return _nothing(data.path, Fault("definition", str(error)))
    found = _cropped(_scan_array(array, data) if array else _scan_files(data), data)
    labels = with_people(found.labels, data.participants)
    faults = (*found.faults, *labels.faults, *(() if array else spelt_alike(labels)))
    if not faults and len(labels.classes) < 2:
        only = f"only one class ({', '.join(labels.classes)}) found; a classifier needs two or more."
        faults = (Fault("class missing from a split", only),)
    notes = (*found.notes, *labels.notes, *(() if faults else people_told(labels.rows)))
    return PictureScan(found.pictures, labels, faults, notes)


def scan_for_prediction(path: Path, data: GazeImagesData, classes: tuple[str, ...]) -> PictureScan:
    """Look through pictures at any depth, or an .npz whose CSV may be missing; labels and participants are optional."""
    problem = _unusable(path)
    if problem:
        return _nothing(path, problem)
    try:
        array = array_at(path)
    except InputError as error:
        return _nothing(path, Fault("definition", str(error)))
    found = _scan_array(array, data, for_prediction=True) if array else _scan_unsorted(path, data, classes)
    labels = with_people_to_predict(found.labels, data.participants)
    faults, notes = (*found.faults, *labels.faults), (*found.notes, *labels.notes)
    return _cropped(PictureScan(found.pictures, labels, faults, notes), data)


def _scan_unsorted(path: Path, data: GazeImagesData, classes: tuple[str, ...]) -> PictureScan:
    pictures = pictures_below(path)
    if not len(pictures):
        return _no_pictures(path, pictures)
    if data.names is not None:
        pictures, rows = rows_of_names(pictures, data)
    else:
        rows = rows_of_unsorted(pictures.files, path, classes)
    return PictureScan(pictures, rows, (), _told(pictures))


def _told(pictures: PictureFiles) -> tuple[str, ...]:
    return (*told_left_out(pictures.left_out), *told_twins(pictures.files))


def _no_pictures(path: Path, pictures: PictureFiles) -> PictureScan:
    told = " ".join(
        [f"{path}: no picture found at any depth ({', '.join(SUFFIXES)}).", *told_left_out(pictures.left_out)]
    )
    return _nothing(path, Fault("nothing found", told))


def _cropped(found: PictureScan, data: GazeImagesData) -> PictureScan:
    return found if data.crop is None else replace(found, pictures=Cropped(found.pictures, data.crop))


def _scan_files(data: GazeImagesData) -> PictureScan:
    """Files whose names, or whose folders, say participant and class."""
    if data.names is None:
        return _scan_class_folders(data.path)
    pictures = pictures_below(data.path)
    if not len(pictures):
        return _no_pictures(data.path, pictures)
    pictures, rows = rows_of_names(pictures, data)
    return PictureScan(pictures, rows, (), _told(pictures))


def _unusable(path: Path) -> Fault | None:
    if not path.exists():
        return Fault("nothing found", f"{path}: no such file or folder.")
    if path.is_file() and path.suffix.lower() != ".npz":
        return Fault("nothing found", f"{path}: expected a folder of pictures or an .npz file.")
    return None


def _nothing(path: Path, fault: Fault) -> PictureScan:
    return PictureScan(PictureFiles(path, ()), rows_of_folders(()), (fault,))


def _scan_array(array: Path, data: GazeImagesData, for_prediction: bool = False) -> PictureScan:
    faults: list[Fault] = []
    pictures: Pictures = PictureFiles(array.parent, ())
    try:
        pictures = read_array(array)
    except InputError as error:
        faults.append(Fault("undecodable image", str(error)))
    table = table_beside(array)
    if table is None and for_prediction:
        return PictureScan(pictures, _unlabelled(pictures), tuple(faults))
    if table is None:
        message = (
            f"{array.name}: no CSV belongs to it; name one {array.with_suffix('.csv').name}, or keep only one beside."
        )
        return PictureScan(pictures, rows_of_folders(()), (*faults, Fault("label table", message)))
    labels = rows_of_table(table, data, for_prediction)
    readable = not any(fault.kind in ("label table", "undecodable image") for fault in (*faults, *labels.faults))
    if readable and len(labels.rows) != len(pictures):
        message = f"{table.name} has {len(labels.rows)} rows, but {array.name} holds {len(pictures)} images"
        faults.append(Fault("rows against frames", f"{message}; row i belongs to image i."))
    return PictureScan(pictures, labels, tuple(faults), _beside(array, data.path))


def _beside(array: Path, folder: Path) -> tuple[str, ...]:
    """Pictures in files, where the folder's array is read."""
    others = len(walk(folder).pictures) if folder.is_dir() else 0
    return (f"{others:,} picture files in {folder} are left out: {array.name} is read.",) if others else ()


def _unlabelled(pictures: Pictures) -> PictureRows:
    labels = rows_of_folders(())
    rows = labels.rows.reindex(range(len(pictures))).assign(participant="unknown", session="0", class_name="")
    return PictureRows(rows.assign(id=[f"unknown/0/{row}" for row in range(len(pictures))]), ())


def _scan_class_folders(root: Path) -> PictureScan:
    pictures = pictures_below(root)
    if not len(pictures):
        message = f"{root}: no pictures found; expected class/participant/picture.png, or one .npz with a CSV."
        told = " ".join([message, *told_left_out(pictures.left_out)])
        return _nothing(root, Fault("nothing found", told))
    notes = _told(pictures)
    return PictureScan(pictures, rows_of_folders(pictures.files), _empty_folders(pictures), notes)


def _empty_folders(pictures: PictureFiles) -> tuple[Fault, ...]:
    """Class and participant folders without any picture: the class or person would silently be left out."""
    filled = {parent.as_posix() for file in pictures.files for parent in file.parents}
    folders = [folder for pattern in ("*", "*/*") for folder in pictures.root.glob(pattern) if folder.is_dir()]
    names = sorted(folder.relative_to(pictures.root).as_posix() for folder in folders)
    shown = [name for name in names if all(map(is_shown, name.split("/"))) and name not in filled]
    return tuple(Fault("nothing found", _why_empty(name, pictures)) for name in shown)


def _why_empty(folder: str, pictures: PictureFiles) -> str:
    own = [one for one in pictures.left_out if folder in (str(one.path), *map(str, one.path.parents))]
    return " ".join([f"{printable(folder)}: no pictures found in this folder.", *told_left_out(own)])
