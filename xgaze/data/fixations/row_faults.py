"""What is wrong with a fixation table, all at once; and leaving out, counted, what the user said may go."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fault_kinds import Fault, Kind
from xgaze.data.fixations.copies import copies_of, repeated_numbers
from xgaze.data.fixations.counted import counts_by
from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.standard_units import NUMBER, ONSET, TRIAL
from xgaze.data.fixations.table import UNKNOWN
from xgaze.data.fixations.viewings import PLURALS
from xgaze.data.tables.spellings import doubtful

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


def bad_rows(rows: pd.DataFrame, size: tuple[int, int], settings: FixationFormat) -> list[BadRowsFound]:
    """Every kind of fault that a row can have by itself. rows: with the columns of `standard_rows`, and `scanpath`."""
    values = rows[VALUES].to_numpy(np.float64)
    missing = ~np.isfinite(values).all(axis=1)
    limits = _limits_px(rows, size)
    outside = ((values[:, :2] < 0) | (values[:, :2] > limits)).any(axis=1) & ~missing
    where = "their stimuli" if "stimulus_width_px" in rows else f"the stimulus {size[0]}x{size[1]} px"
    return [
        *_nameless(rows, settings),
        BadRowsFound("missing fixation", "missing", "lack a coordinate or a duration", missing),
        *_without_place(rows),
        BadRowsFound("fixation outside the stimulus", "outside", f"lie outside {where}", outside),
        BadRowsFound("duration not above zero", "durations", "last zero ms or less", (values[:, 2] <= 0) & ~missing),
    ]


def copies_found(rows: pd.DataFrame) -> list[BadRowsFound]:
    """Rows that tell again what another row tells."""
    exact, again = rows.duplicated().to_numpy(bool), copies_of(rows)
    shared = "start" if ONSET in rows else "number" if NUMBER in rows else "point as the row before"
    words = f"are rows of a fixation that another row tells too, of the same {shared}"
    return [
        BadRowsFound("duplicated fixations", "duplicates", "repeat another row exactly", exact),
        BadRowsFound("duplicated fixations", "duplicates", words, again & ~exact),
    ]


def faults_of(rows: pd.DataFrame, size: tuple[int, int], settings: FixationFormat) -> list[Fault]:
    """All faults but those the settings drop, counted per participant. rows: as `bad_rows` takes them."""
    faults = _no_participants(rows, settings)
    copies = copies_found(rows)
    for bad in (*bad_rows(rows, size, settings), *copies):
        if getattr(settings, bad.setting) == "refuse":
            faults += _per_participant(rows, bad)
    faults += repeated_numbers(rows[~np.logical_or.reduce([bad.rows for bad in copies])])
    if settings.spellings == "ask":
        faults += [
            fault
            for name, what in PLURALS.items()
            if name in rows
            for fault in doubtful(rows[name].replace(UNKNOWN, ""), what, "fixations")
        ]
    return faults


def without_bad_rows(
    rows: pd.DataFrame, size: tuple[int, int], settings: FixationFormat, by: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Rows without those that the settings drop, and what was dropped in words, counted by the columns `by`."""
    rows, notes = _without(rows, bad_rows(rows, size, settings), settings, by)
    # Of a fixation told by several rows one is kept that is not bad by itself.
    rows, more = _without(rows, copies_found(rows), settings, by)
    return rows, notes + more


def without_short(rows: pd.DataFrame, minimum: int, by: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Rows of scanpaths with at least `minimum` fixations; shorter ones are left out, never filled up."""
    counts = rows.groupby("scanpath", sort=False)["scanpath"].transform("size").to_numpy(np.int64)
    first = rows.drop_duplicates("scanpath")
    short = counts[~rows["scanpath"].duplicated().to_numpy(bool)] < minimum
    notes = [
        f"{int(short.sum()):,} of {len(first):,} scanpaths have fewer than {minimum} fixations: left out "
        f"({counts_by(first, short, by)})."
    ]
    return rows[counts >= minimum], notes if short.any() else []


def nothing_left(rows: pd.DataFrame, notes: Sequence[str]) -> list[Fault]:
    """A fault when no scanpath remains."""
    if len(rows):
        return []
    return [Fault("too few fixations", " ".join(["no scanpath can be used.", *notes]))]


def unknown_people(rows: pd.DataFrame) -> list[str]:
    """What to say where rows do not tell who looked."""
    unknown = (rows["participant"] == UNKNOWN).to_numpy(bool)
    return [f"{_share(unknown)} have no participant: cannot show that splits are by person."] if unknown.any() else []


def _without(
    rows: pd.DataFrame, found: Sequence[BadRowsFound], settings: FixationFormat, by: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    dropped, notes = np.zeros(len(rows), bool), []
    for bad in found:
        if getattr(settings, bad.setting) == "drop" and bad.rows.any():
            notes.append(f"{_share(bad.rows)} {bad.words}: left out ({counts_by(rows, bad.rows, by)}).")
            dropped |= bad.rows
    return rows[~dropped], notes


def _nameless(rows: pd.DataFrame, settings: FixationFormat) -> list[BadRowsFound]:
    """Rows that do not tell who looked, where that must be known, or at what, or in which trial."""
    unknown = (rows["participant"] == UNKNOWN).to_numpy(bool)
    asked = settings.participants == "required" and not unknown.all()
    return [
        BadRowsFound("no participants", "missing", "have no participant", unknown & asked),
        *(
            BadRowsFound("missing fixation", "missing", f"have no {name}", (rows[name] == "").to_numpy(bool))
            for name in ("stimulus", TRIAL)
            if name in rows
        ),
    ]


def _without_place(rows: pd.DataFrame) -> list[BadRowsFound]:
    """Rows that lack what scanpaths are sorted by: sorted last, they would be told as made last."""
    by = next((name for name in (NUMBER, ONSET) if name in rows), None)
    if by is None:
        return []
    words = {NUMBER: "have no number in their scanpath (order)", ONSET: "have no onset (start)"}[by]
    return [BadRowsFound("missing fixation", "missing", words, ~np.isfinite(rows[by].to_numpy(np.float64)))]


def _limits_px(rows: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.float64]:
    own = ["stimulus_width_px", "stimulus_height_px"]
    return rows[own].to_numpy(np.float64) if own[0] in rows else np.array(size, np.float64)


def _no_participants(rows: pd.DataFrame, settings: FixationFormat) -> list[Fault]:
    if settings.participants == "required" and len(rows) and (rows["participant"] == UNKNOWN).all():
        return [Fault("no participants", NO_PARTICIPANTS)]
    return []


def _per_participant(rows: pd.DataFrame, bad: BadRowsFound) -> list[Fault]:
    if not bad.rows.any():
        return []
    if bad.kind == "no participants":
        return [Fault(bad.kind, f"{_share(bad.rows)} {bad.words}.")]
    counts = pd.Series(bad.rows).groupby(rows["participant"].to_numpy(), sort=False).agg(["sum", "size"])
    counts = counts[counts["sum"] > 0]
    return [
        Fault(bad.kind, f"participant {who}: {n:,} of {of:,} fixations {bad.words}.")
        for who, n, of in zip(counts.index, counts["sum"], counts["size"], strict=True)
    ]


def _share(bad: NDArray[np.bool_]) -> str:
    return f"{int(bad.sum()):,} of {len(bad):,} fixations"
