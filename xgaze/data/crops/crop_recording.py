"""Crops of photographs at several scales as a `Recording`: one sample per place, looked at or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, split_by
from xgaze.data.crops.crops import CROP_PX, SCALES, crops_of, input_name
from xgaze.data.crops.mapped_crops import MappedCrops
from xgaze.data.looked_at import Photographs
from xgaze.recorded_targets import LABEL_COLUMN

CLASSES = ("not looked at", "looked at")
MEAN, STD = 114.0, 57.0
"""Of photographs, about; the same for every recording, so that nothing leaks from test pictures."""
Crops = dict[str, NDArray[np.uint8]]
"""Input name -> crop (3, 42, 42)."""


class CropSource(Protocol):
    """Crops of every sample."""

    def of(self, row: int) -> Crops: ...


@dataclass(frozen=True, eq=False)
class CutCrops:
    """Crops cut when first asked for and then held on the disk, all of a photograph at once: 16 kB a sample, mapped.

    picture (n,): which photograph a sample lies on, ascending. points (n, 2): its place, as shares of the photograph.
    """

    photographs: Photographs
    picture: NDArray[np.int64]
    points: NDArray[np.float64]
    held: MappedCrops = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", MappedCrops(len(self.picture)))

    def of(self, row: int) -> Crops:
        picture = int(self.picture[row])
        if picture not in self.held.cut:
            first, last = np.searchsorted(self.picture, (picture, picture + 1))
            self.held.put(picture, int(first), crops_of(self.photographs.pixels(picture), self.points[first:last]))
        return self.held.of(row)


@dataclass(frozen=True, eq=False)
class CropRecording(Recording):
    """Row i is one place. table: `group` is the photograph, the unit of evidence; `x` and `y` say where, as shares.

    notes: what was left out, in words.
    """

    spec: Spec
    table: pd.DataFrame
    crops: CropSource
    photographs: Photographs
    notes: tuple[str, ...] = ()

    def __getitem__(self, row: int) -> Sample:
        picture = str(self.table["group"].iat[row])
        groups = {"group": picture, "session": "0", "stimulus": picture}
        target = np.asarray(self.table[LABEL_COLUMN].iat[row], np.int64)
        return Sample(str(self.table["id"].iat[row]), groups, dict(self.crops.of(row)), target)

    def resplit(self, split_of: Mapping[str, str]) -> "CropRecording":
        """Other splits, by photograph ("" for those not named)."""
        return replace(self, table=split_by(self.table, split_of))


def crop_spec() -> Spec:
    """What a model of crops reads and tells."""
    inputs = tuple(InputSpec(input_name(scale), (3, CROP_PX, CROP_PX), MEAN, STD) for scale in SCALES)
    return Spec(inputs, "class", unit="AUC", classes=CLASSES, groups="stimuli")


def crop_table(
    names: Sequence[str],
    splits: Sequence[str],
    points: Sequence[NDArray[np.float64]],
    labels: Sequence[NDArray[np.int64]],
) -> pd.DataFrame:
    """One row per place; names, splits, points (n, 2) and labels (n,) are per photograph."""
    counts = [len(one) for one in labels]
    pictures = np.repeat(np.asarray(names, dtype=object), counts)
    ids = [f"{name}/{k}" for name, count in zip(names, counts, strict=True) for k in range(count)]
    table = pd.DataFrame(
        {
            "id": ids,
            "group": pictures,
            "session": "0",
            "split": np.repeat(np.asarray(splits, dtype=object), counts),
        }
    )
    table[LABEL_COLUMN] = np.concatenate(labels).astype(np.int64)
    table[["x", "y"]] = np.concatenate(points)
    return table
