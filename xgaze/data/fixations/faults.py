"""What is wrong with a fixation table, all at once; and leaving out, counted, what the user said may go."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.check_faults import Fault, Kind
from xgaze.data.fixations.table import UNKNOWN
from xgaze.recipe.fixation_format import FixationFormat

POINT = ["x_px", "y_px"]
VALUES = [*POINT, "duration_ms"]
NO_PARTICIPANTS = "cannot show that splits are by person: set groups, or split.by: sample; the report will say so"


@dataclass(frozen=True)
class BadRowsFound:
    """Rows with one kind of fault: `setting` says whether they may be dropped, `words` completes "5 of 90 fixations ..."."""

    kind: Kind
    setting: str
    words: str
    rows: NDArray[np.bool_]


def bad_rows(rows: pd.DataFrame, size: tuple[int, int]) -> list[BadRowsFound]:
    """Every kind of fault that a single row can have. rows: as `standard_rows` makes them."""
    values = rows[VALUES].to_numpy(np.float64)
    missing = ~np.isfinite(values).all(axis=1)
    limits = _limits_px(rows, size)
    outside = ((values[:, :2] < 0) | (values[:, :2] > limits)).any(axis=1) & ~missing
    where = "their stimuli" if "stimulus_width_px" in rows else f"the stimulus {size[0]}x{size[1]} px"
    return [
        BadRowsFound("missing fixation", "missing", "lack a coordinate or a duration", missing),
        BadRowsFound("fixation outside the stimulus", "outside", f"lie outside {where}", outside),
        BadRowsFound("duration not above zero", "durations", "last zero ms or less", (values[:, 2] <= 0) & ~missing),
        BadRowsFound(
            "duplicated fixations", "duplicates", "repeat another row exactly", rows.duplicated().to_numpy(bool)
        ),
    ]


def faults_of(rows: pd.DataFrame, size: tuple[int, int], settings: FixationFormat) -> list[Fault]:
    """All faults but those the settings drop, counted per participant. rows: as `standard_rows` makes them."""
    faults = _participant_faults(rows) if settings.participants == "required" else []
    found = bad_rows(rows, size)
    for bad in found:
        if getattr(settings, bad.setting) == "refuse":
            faults += _per_participant(rows, bad)
    copies = next(bad.rows for bad in found if bad.setting == "duplicates")
    return faults + _repeated_numbers(rows[~copies])


def without_bad_rows(
    rows: pd.DataFrame, size: tuple[int, int], settings: FixationFormat
) -> tuple[pd.DataFrame, list[str]]:
    """Rows without those that the settings drop, and what was dropped in words."""
    dropped = np.zeros(len(rows), bool)
    notes = []
    for bad in bad_rows(rows, size):
        if getattr(settings, bad.setting) == "drop" and bad.rows.any():
            people = rows["participant"][bad.rows].nunique()
            notes.append(f"{_share(bad.rows)} {bad.words} ({_people(people)}): left out.")
            dropped |= bad.rows
    return rows[~dropped], notes


def without_short(rows: pd.DataFrame, minimum: int) -> tuple[pd.DataFrame, list[str]]:
    """Rows of scanpaths with at least `minimum` fixations; shorter ones are left out, never filled up."""
    ids, index = np.unique(rows["scanpath"].to_numpy(str), return_inverse=True)
    counts = np.bincount(index, minlength=len(ids))
    short = int((counts < minimum).sum())
    notes = [f"{short:,} of {len(ids):,} scanpaths have fewer than {minimum} fixations: left out."] if short else []
    return rows[counts[index] >= minimum], notes


def nothing_left(rows: pd.DataFrame, notes: Sequence[str]) -> list[Fault]:
    """A fault when no scanpath remains."""
    if len(rows):
        return []
    return [Fault("too few fixations", " ".join(["no scanpath can be used.", *notes]))]


def unknown_people(rows: pd.DataFrame) -> list[str]:
    """What to say where rows do not tell who looked."""
    unknown = (rows["participant"] == UNKNOWN).to_numpy(bool)
    return [f"{_share(unknown)} have no participant: cannot show that splits are by person."] if unknown.any() else []


def _limits_px(rows: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.float64]:
    own = ["stimulus_width_px", "stimulus_height_px"]
    return rows[own].to_numpy(np.float64) if own[0] in rows else np.array(size, np.float64)


def _participant_faults(rows: pd.DataFrame) -> list[Fault]:
    unknown = (rows["participant"] == UNKNOWN).to_numpy(bool)
    if len(rows) and unknown.all():
        return [Fault("no participants", NO_PARTICIPANTS)]
    return [Fault("no participants", f"{_share(unknown)} have no participant.")] if unknown.any() else []


def _per_participant(rows: pd.DataFrame, bad: BadRowsFound) -> list[Fault]:
    if not bad.rows.any():
        return []
    counts = pd.Series(bad.rows).groupby(rows["participant"].to_numpy(), sort=False).agg(["sum", "size"])
    counts = counts[counts["sum"] > 0]
    return [
        Fault(bad.kind, f"participant {who}: {n:,} of {of:,} fixations {bad.words}.")
        for who, n, of in zip(counts.index, counts["sum"], counts["size"], strict=True)
    ]


def _repeated_numbers(rows: pd.DataFrame) -> list[Fault]:
    """Scanpaths in which a fixation's number occurs twice: two viewings that look like one."""
    if "number" not in rows:
        return []
    twice = rows.duplicated(["scanpath", "number"]) & rows["number"].notna()
    scanpaths = rows["scanpath"][twice].unique()
    if not len(scanpaths):
        return []
    count = "1 scanpath has" if len(scanpaths) == 1 else f"{len(scanpaths):,} scanpaths have"
    first = f"{scanpaths[0]}, number {rows['number'][twice].iloc[0]:g}"
    return [Fault("duplicated fixations", f"{count} two fixations of the same number, first {first}.")]


def _share(bad: NDArray[np.bool_]) -> str:
    return f"{int(bad.sum()):,} of {len(bad):,} fixations"


def _people(count: int) -> str:
    return "1 participant" if count == 1 else f"{count:,} participants"
