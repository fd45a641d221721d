"""Samples drawn so that everyone has a turn before anyone has a second one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, participants_of, rows_of


def in_turns(recording: Recording, split: str, seed: int) -> NDArray[np.int64]:
    """All rows of a split in the order drawn: one of every participant, then a second of each, and so on. The first n give
    everyone equally many, or all they have; more begin with the fewer ones of the same seed."""
    drawn = np.random.default_rng(seed).permutation(rows_of(recording, split))
    people = participants_of(recording, drawn).astype(str)
    turn = pd.Series(people).groupby(people).cumcount().to_numpy()
    # Stable: within a turn the order stays that of the draw.
    ordered: NDArray[np.int64] = drawn[np.argsort(turn, kind="stable")]
    return ordered
