"""Pictures of gaze (heatmaps, scanpaths) with participant and class as a `Recording`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import InputSpec, Recording, Sample, Spec
from xgaze.data.fault_kinds import raise_faults
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.pictures.picture_files import Pictures
from xgaze.data.pictures.picture_scan import PictureScan, scan_for_prediction, scan_pictures
from xgaze.data.pictures.pixels import fit_picture
from xgaze.data.splits import assign_splits
from xgaze.recorded_targets import LABEL_COLUMN

INPUT = "image"
UNLABELLED = -1


@dataclass(frozen=True, eq=False)
class GazeImagesRecording(Recording):
    """Row i is picture i, decoded when asked for."""

    spec: Spec
    table: pd.DataFrame
    pictures: Pictures
    notes: tuple[str, ...] = ()

    def __getitem__(self, row: int) -> Sample:
        """Decode and resize one picture. Raises InputError naming the file that cannot be used."""
        channels, height, width = self.spec.inputs[0].picture
        image = fit_picture(self.pictures.read(row), height, width, channels)
        groups = {name: str(self.table[name].iat[row]) for name in ("group", "session")}
        target = np.asarray(self.table[LABEL_COLUMN].iat[row], np.int64)
        return Sample(str(self.table["id"].iat[row]), groups, {INPUT: image}, target)


def open_gaze_images(data: GazeImagesData) -> GazeImagesRecording:
    """Open pictures and draw splits by participant. Raises InputError with every fault that shows undecoded."""
    found = scan_pictures(data)
    raise_faults(data.path, found.faults)
    return recording_of(found, data, found.labels.classes, splits_of(found.labels.rows, data))


def splits_of(rows: pd.DataFrame, data: GazeImagesData) -> NDArray[np.str_]:
    """Split of each row, drawn by participant. Raises InputError for fewer than three participants."""
    shares = data.split
    return assign_splits(list(rows["participant"]), list(rows["class_name"]), shares.validation, shares.test, data.seed)


def open_pictures_for_prediction(path: Path, data: GazeImagesData, classes: tuple[str, ...]) -> GazeImagesRecording:
    """Open pictures whose class and participant may be unknown (label -1); all of them are in split "test".

    classes: those of the model; a picture of another class counts as unlabelled. Raises InputError.
    """
    found = scan_for_prediction(path, data, classes)
    raise_faults(path, found.faults)
    return recording_of(found, data, classes, np.full(len(found.labels.rows), "test"))


def recording_of(
    found: PictureScan, data: GazeImagesData, classes: tuple[str, ...], splits: NDArray[np.str_]
) -> GazeImagesRecording:
    """A recording of what a scan found, labels counted along `classes`."""
    rows = found.labels.rows
    codes = {name: code for code, name in enumerate(classes)}
    table = rows[["id", "participant", "session"]].rename(columns={"participant": "group"}).assign(split=splits)
    table[LABEL_COLUMN] = np.array([codes.get(name, UNLABELLED) for name in rows["class_name"]], np.int64)
    one = InputSpec(INPUT, (data.channels, data.height, data.width))
    unit = "AUC" if len(classes) == 2 else "accuracy"
    return GazeImagesRecording(Spec((one,), "class", unit=unit, classes=classes), table, found.pictures, found.notes)
