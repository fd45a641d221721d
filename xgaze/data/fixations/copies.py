"""Rows that belong to one fixation: exports with a row per frame or per gaze sample, and viewings that look like one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fault_kinds import Fault
from xgaze.data.fixations.standard_units import NUMBER, ONSET

POINT, DURATION = ["x_px", "y_px"], "duration_ms"
SEVERAL = 5
"""Different durations, without which it means nothing that two are equal."""


def copies_of(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows of fixations of which another row is kept: the longest, of equals the first.

    Nobody begins two fixations at once: rows of a scanpath are one fixation if they share the onset, and the number where both
    are known; without onsets, if they share the number, and duration or point. Where neither is known, and most rows lie exactly
    where the row before lies, those at one point are one fixation.
    """
    if ONSET in rows:
        return _longest_stays(rows, ["scanpath", ONSET, *([NUMBER] if NUMBER in rows else [])])
    if NUMBER in rows:
        keys = ["scanpath", NUMBER]
        return _longest_stays(rows, [*keys, *POINT]) | _longest_stays(rows, [*keys, DURATION])
    still = _as_before(rows, ["scanpath", *POINT])
    if still.sum() * 2 <= len(rows):
        return np.zeros(len(rows), bool)
    return _longest_stays(rows.assign(run=(~still).cumsum()), ["run"])


def as_long_as_before(rows: pd.DataFrame) -> list[str]:
    """What to say of a table without numbers and onsets in which most rows last exactly as long as the row before."""
    if ONSET in rows or NUMBER in rows:
        return []
    equal = _as_before(rows, ["scanpath", DURATION])
    if equal.sum() * 2 <= len(rows) or rows[DURATION].nunique() < SEVERAL:
        return []
    return [
        f"{equal.sum():,} of {len(rows):,} fixations last exactly as long as the row before: if a fixation has several rows (one "
        "per frame or sample), name the column of its number (order) or start."
    ]


def _longest_stays(rows: pd.DataFrame, keys: list[str]) -> NDArray[np.bool_]:
    """Of rows that share all keys, all but the longest; rows that lack a key are no copies."""
    known = rows[keys].notna().all(axis=1).to_numpy(bool)
    longest_first = np.lexsort((np.arange(len(rows)), -rows[DURATION].to_numpy(np.float64)))
    again = np.zeros(len(rows), bool)
    again[longest_first] = rows[keys].iloc[longest_first].duplicated().to_numpy(bool)
    return again & known


def _as_before(rows: pd.DataFrame, keys: list[str]) -> NDArray[np.bool_]:
    same = (rows[keys] == rows[keys].shift()).all(axis=1)
    return same.to_numpy(bool)


def repeated_numbers(rows: pd.DataFrame) -> list[Fault]:
    """Scanpaths in which a fixation's number occurs twice: two viewings that look like one."""
    if NUMBER not in rows:
        return []
    twice = rows.duplicated(["scanpath", NUMBER]) & rows[NUMBER].notna()
    scanpaths = rows["scanpath"][twice].unique()
    if not len(scanpaths):
        return []
    count = "1 scanpath has" if len(scanpaths) == 1 else f"{len(scanpaths):,} scanpaths have"
    first = f"{scanpaths[0]}, number {rows[NUMBER][twice].iloc[0]:g}"
    return [Fault("repeated fixation numbers", f"{count} two fixations of the same number, first {first}.")]
