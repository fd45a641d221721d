"""Fixation tables as a `Recording`: one sample per scanpath."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Sample, Spec, split_by
from xgaze.data.fault_kinds import raise_faults
from xgaze.data.fixations.fixation_scan import FixationScan, scan_fixations
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.data.fixations.scanpath_inputs import ShownScanpaths, shown_scanpaths
from xgaze.data.fixations.scanpaths import Scanpath
from xgaze.data.splits import assign_splits
from xgaze.recorded_targets import LABEL_COLUMN, VALUE_COLUMN

UNLABELLED = -1
GROUPS = {"participant": "participants", "stimulus": "stimuli", "sample": "scanpaths"}
"""What `split.by` keeps apart, in the plural."""


@dataclass(frozen=True, eq=False)
class FixationRecording(Recording):
    """Row i is scanpath i.

    table: as `Recording` says, `group` being what splits keep apart (the unit of evidence), and `viewer` and
    `stimulus`. notes: what was left out, counted, in words.
    """

    spec: Spec
    table: pd.DataFrame
    shown: ShownScanpaths
    notes: tuple[str, ...] = ()

    def __getitem__(self, row: int) -> Sample:
        groups = {name: str(self.table[name].iat[row]) for name in ("group", "session", "viewer", "stimulus")}
        if self.spec.kind == "value":
            target = np.array([self.table[VALUE_COLUMN].iat[row]], np.float32)
        else:
            target = np.asarray(self.table[LABEL_COLUMN].iat[row], np.int64)
        return Sample(str(self.table["id"].iat[row]), groups, self.shown.of(row, self.spec.inputs), target)

    @property
    def scanpaths(self) -> Sequence[Scanpath]:
        return self.shown.scanpaths

    def with_spec(self, spec: Spec) -> "FixationRecording":
        """Sequences are padded with the mean of the spec."""
        return replace(self, spec=spec)

    def resplit(self, split_of: Mapping[str, str]) -> "FixationRecording":
        """Other splits, by group ("" for those not named); sequences are normalised anew on the new training groups."""
        table = split_by(self.table, split_of)
        inputs = self.shown.specs((table["split"] == "train").to_numpy())
        return replace(self, table=table, spec=replace(self.spec, inputs=inputs))


def open_fixations(data: FixationTableData) -> FixationRecording:
    """Read a table and draw splits by `data.split.by`. Raises InputError with all faults."""
    found = scan_fixations(data)
    raise_faults(data.path, found.faults)
    return _recording_of(found, data, found.classes, splits_of(found.rows, data))


def open_fixations_for_prediction(data: FixationTableData, spec: Spec) -> FixationRecording:
    """A table whose target and people may be unknown, as a model with `spec` sees it; all of it is in split "test"."""
    found = scan_fixations(data, for_prediction=True)
    raise_faults(data.path, found.faults)
    recording = _recording_of(found, data, spec.classes, np.full(len(found.rows), "test"))
    return replace(recording, spec=replace(recording.spec, groups="participants"))


def splits_of(rows: pd.DataFrame, data: FixationTableData) -> NDArray[np.str_]:
    """Split of each scanpath, drawn by group. Raises InputError for fewer than three groups."""
    shares, labels = data.split, list(rows["class_name"]) if "class_name" in rows else None
    return assign_splits(list(rows["group"]), labels, shares.validation, shares.test, data.seed, groups_of(data))


def groups_of(data: FixationTableData) -> str:
    """The groups that splits keep apart, in the plural."""
    return GROUPS.get(data.split.by, f"groups of '{data.split.by}'")


def _recording_of(
    found: FixationScan, data: FixationTableData, classes: tuple[str, ...], splits: NDArray[np.str_]
) -> FixationRecording:
    table = found.rows[["id", "viewer", "stimulus"]].assign(session="0", split=splits)
    table.insert(1, "group", found.rows["group"])
    if data.target.value is None:
        codes = {name: code for code, name in enumerate(classes)}
        table[LABEL_COLUMN] = np.array([codes.get(name, UNLABELLED) for name in found.rows["class_name"]], np.int64)
    else:
        table[VALUE_COLUMN] = found.rows["value"]
    shown = shown_scanpaths(found.scanpaths, found.size, data.inputs)
    inputs = shown.specs((table["split"] == "train").to_numpy())
    if data.target.value is not None:
        spec = Spec(inputs, "value", unit="ms", scene=found.size, groups=groups_of(data))
    else:
        unit = "AUC" if len(classes) == 2 else "accuracy"
        spec = Spec(inputs, "class", unit=unit, scene=found.size, classes=classes, groups=groups_of(data))
    return FixationRecording(spec, table, shown, found.notes)
