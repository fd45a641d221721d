"""A recording under other splits, as cross validation needs it for each fold. Reads nothing and copies no picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pandas as pd

from xgaze.data.contract import Recording, Sample, Spec

LEFT_OUT = ""
"""The split of participants who take no part."""


@runtime_checkable
class Refittable(Protocol):
    """A recording whose normalisation is fitted on its training participants, so that other splits give another spec."""

    def resplit(self, split_of: Mapping[str, str]) -> Recording: ...


@dataclass(frozen=True, eq=False)
class Resplit:
    """The same samples in the same rows, with another `split` column."""

    recording: Recording
    table: pd.DataFrame

    @property
    def spec(self) -> Spec:
        return self.recording.spec

    def __getitem__(self, row: int) -> Sample:
        return self.recording[row]


def resplit(recording: Recording, split_of: Mapping[str, str]) -> Recording:
    """`recording` with the split of each participant taken from `split_of`; who is not named there takes no part.

    A recording that fits its normalisation on training participants does so again on those of `split_of`.
    """
    if isinstance(recording, Refittable):
        return recording.resplit(split_of)
    splits = [split_of.get(str(person), LEFT_OUT) for person in recording.table["participant"]]
    return Resplit(recording, recording.table.assign(split=splits))
