"""Scanpaths: a fixation table cut into one sequence of fixations per viewing."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xgaze.data.fixations.table import FixationTable


@dataclass(frozen=True)
class Scanpath:
    """One person's fixations on one stimulus, in the order they were made.

    xy_px (n, 2) float64, px of the stimulus, origin top left; duration_ms (n,) float64.
    """

    id: str
    participant: str
    stimulus: str
    xy_px: NDArray[np.float64]
    duration_ms: NDArray[np.float64]


def scanpaths_of(table: FixationTable) -> list[Scanpath]:
    """The table's scanpaths in row order; a new one begins wherever the column `scanpath` changes."""
    rows = table.rows
    if rows.empty:
        return []
    ids, people, stimuli = (rows[name].to_numpy(dtype=object) for name in ("scanpath", "participant", "stimulus"))
    xy_px = rows[["x_px", "y_px"]].to_numpy(dtype=np.float64)
    duration_ms = rows["duration_ms"].to_numpy(dtype=np.float64)
    starts = np.concatenate([[0], np.flatnonzero(ids[1:] != ids[:-1]) + 1, [len(ids)]])
    return [
        Scanpath(str(ids[a]), str(people[a]), str(stimuli[a]), xy_px[a:b], duration_ms[a:b])
        for a, b in pairwise(starts)
    ]
