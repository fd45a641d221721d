"""What a fixation table offers to models: its scanpaths, who and what they belong to, and what is to be told of them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fault_kinds import Fault
from xgaze.data.fixations.counted import counts_by
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.data.fixations.loading import check_fixations, read_fixations
from xgaze.data.fixations.scanpaths import Scanpath, scanpaths_of
from xgaze.data.fixations.standard_units import names
from xgaze.data.fixations.table import FixationTable
from xgaze.data.path_templates import natural_key
from xgaze.data.tables.missing import is_missing, missing_words
from xgaze.data.tables.spellings import spelt
from xgaze.errors import nearest

SAMPLE = "sample"
PARTICIPANT, STIMULUS = "participant", "stimulus"


@dataclass(frozen=True, eq=False)
class FixationScan:
    """scanpaths: what models are shown of each. rows: id, viewer, stimulus, group (of `split.by`), and class_name ("" where
    unknown) or value (NaN where unknown), one row per scanpath. notes: what was left out, counted, in words."""

    scanpaths: tuple[Scanpath, ...]
    rows: pd.DataFrame
    classes: tuple[str, ...]
    size: tuple[int, int]
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


def table_faults(data: FixationTableData) -> list[Fault]:
    """Every fault of the table itself."""
    return check_fixations(data.path, _settings(data))


def scan_fixations(data: FixationTableData, for_prediction: bool = False) -> FixationScan:
    """Read a table whose target, for prediction, may be missing. Raises InputError with all faults of the table itself."""
    labels = [one for one in (data.split.by, data.target.column) if one not in (None, PARTICIPANT, STIMULUS, SAMPLE)]
    table = read_fixations(data.path, _settings(data, for_prediction), [str(one) for one in labels])
    if not for_prediction:
        table = _without_unnamed(table, [str(one) for one in labels], data)
    table, faults = _spelt(table, [str(one) for one in labels], data)
    scanpaths = scanpaths_of(_on_one_size(table))
    rows = pd.DataFrame({"id": [one.id for one in scanpaths]})
    rows["viewer"] = [one.participant for one in scanpaths]
    rows["stimulus"] = [one.stimulus for one in scanpaths]
    rows["group"], wrong = _per_scanpath(table, PARTICIPANT if for_prediction else data.split.by)
    faults += wrong
    if data.target.value is not None:
        return _with_values(scanpaths, rows, table, data.target.first, for_prediction, faults)
    rows["class_name"], wrong = _per_scanpath(table, str(data.target.column))
    if not for_prediction:
        faults += wrong
    found = tuple(sorted(set(rows["class_name"]) - {""}, key=natural_key))
    if not faults and len(found) < 2 and not for_prediction:
        only = f"only one class ({', '.join(found)}) in column '{data.target.column}'; a classifier needs two or more."
        faults.append(Fault("class missing from a split", only))
    return FixationScan(tuple(scanpaths), rows, found, table.size, table.notes, tuple(faults))


def _without_unnamed(table: FixationTable, labels: list[str], data: FixationTableData) -> FixationTable:
    """Without the scanpaths of no class or group, where the settings drop what is missing; counted by person."""
    if data.missing != "drop":
        return table
    notes, rows = list(table.notes), table.rows
    for column in (one for one in labels if one in rows):
        first = rows.drop_duplicates("scanpath")
        empty = is_missing(first[column]).to_numpy(bool)
        if empty.any() and not empty.all():
            told = f"{missing_words(first[column])}; {counts_by(first, empty, [PARTICIPANT])}"
            notes.append(f"{empty.sum():,} of {len(first):,} scanpaths have no '{column}': left out ({told}).")
            rows = rows[~rows["scanpath"].isin(first["scanpath"][empty])].reset_index(drop=True)
    return replace(table, rows=rows, notes=tuple(notes))


def _spelt(table: FixationTable, labels: list[str], data: FixationTableData) -> tuple[FixationTable, list[Fault]]:
    """Classes and groups as text, in one spelling each where the settings say so; faults where they ask."""
    told = {one: names(table.rows[one]) for one in labels if one in table.rows}
    # What names nothing stays as it was written, so that messages can say it.
    text = {one: table.rows[one].astype(object).where(own == "", own) for one, own in told.items()}
    rows, faults = spelt(table.rows.assign(**text), labels, data, data.path.name)
    return replace(table, rows=rows), faults


def _settings(data: FixationTableData, for_prediction: bool = False) -> FixationTableData:
    """Who looked need not be known where neither the splits nor the target ask for it."""
    asked = PARTICIPANT in (data.split.by, data.target.column)
    return data if asked and not for_prediction else data.model_copy(update={"participants": "optional"})


def _per_scanpath(table: FixationTable, column: str) -> tuple[list[str], list[Fault]]:
    """The text in a column that each scanpath has, "" where unknown; faults where it has none or several."""
    rows = table.rows
    starts = ~rows["scanpath"].duplicated()
    if column == SAMPLE:
        return list(rows["scanpath"][starts]), []
    if column not in rows:
        known = sorted(set(rows.columns) - {"scanpath", "order", "x_px", "y_px", "duration_ms", "onset_ms"})
        message = f"column '{column}' is missing; {nearest(column, known)}"
        return [""] * int(starts.sum()), [Fault("label table", message)]
    told = names(rows[column])
    faults = []
    several = told.groupby(rows["scanpath"], sort=False).nunique() > 1
    if several.any():
        first = f"{several.sum():,} of {len(several):,} scanpaths, first {several.idxmax()}"
        faults.append(Fault("label table", f"column '{column}' has several values within {first}."))
    empty = told[starts] == ""
    if empty.any():
        first, words = rows["scanpath"][starts][empty].iloc[0], missing_words(rows[column][starts])
        by = counts_by(rows[starts], empty.to_numpy(bool), [PARTICIPANT])
        share = f"{empty.sum():,} of {len(empty):,} scanpaths"
        message = f"column '{column}' names nothing for {share} ({words}), first {first}; {by}."
        faults.append(Fault("missing label", message))
    return list(told[starts]), faults


def _with_values(
    scanpaths: list[Scanpath],
    rows: pd.DataFrame,
    table: FixationTable,
    first: int,
    for_prediction: bool,
    faults: list[Fault],
) -> FixationScan:
    """Models are shown the first fixations, and the value is that of the rest: nothing of it may be in what they see."""
    needed = first if for_prediction else first + 1
    kept = np.array([len(one.duration_ms) >= needed for one in scanpaths])
    notes = table.notes
    if not kept.all():
        left = f"{(~kept).sum():,} of {len(kept):,} scanpaths have fewer than {needed} fixations"
        notes = (*notes, f"{left}, so none after the first {first}: left out.")
    if not kept.any():
        faults = [*faults, Fault("too few fixations", f"{notes[-1]} Set target.first to less than {first}.")]
    used = [one for one, keep in zip(scanpaths, kept, strict=True) if keep]
    values = [float(one.duration_ms[first:].mean()) if len(one.duration_ms) > first else np.nan for one in used]
    shown = [replace(one, xy_px=one.xy_px[:first], duration_ms=one.duration_ms[:first]) for one in used]
    rows = rows[kept].reset_index(drop=True).assign(value=np.array(values, np.float32))
    return FixationScan(tuple(shown), rows, (), table.size, notes, tuple(faults))


def _on_one_size(table: FixationTable) -> FixationTable:
    """Stimuli of different sizes are stretched to the largest, so that the picture's frame is the stimulus in all of them."""
    if "stimulus_width_px" not in table.rows:
        return table
    stretched = {
        name: table.rows[name] * (whole / _column(table, own))
        for name, own, whole in zip(
            ("x_px", "y_px"), ("stimulus_width_px", "stimulus_height_px"), table.size, strict=True
        )
    }
    return replace(table, rows=table.rows.assign(**stretched))


def _column(table: FixationTable, name: str) -> NDArray[np.float64]:
    return table.rows[name].to_numpy(np.float64)
