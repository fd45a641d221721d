"""Faults of any recording that can be opened: of its table, and of every sample against its specification."""

from collections.abc import Callable

import numpy as np

from xgaze.data.checks.table_faults import class_faults, direction_faults, gaze_faults, split_faults
from xgaze.data.contract import BY_TEACHER, LABEL_COLUMN, VALUE_COLUMN, Recording, dimensions
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.errors import InputError
from xgaze.progress import Advance


def check_opened(opened: Callable[[], Recording], advance: Advance | None = None) -> Checked:
    """What opening refuses; faults of the table; samples that cannot be read, or are not what the specification says."""
    try:
        recording = opened()
    except InputError as error:
        return Checked((Fault("definition", str(error)),))
    faults = table_faults_of(recording)
    total = len(recording.table)
    for row in range(total):
        faults += sample_faults(recording, row)
        if advance:
            advance(row + 1, total)
    return Checked(tuple(faults), recording.notes)


def check_table(opened: Callable[[], Recording]) -> Checked:
    """What opening refuses, and faults of the table; no sample is read."""
    try:
        return Checked(tuple(table_faults_of(opened())))
    except InputError as error:
        return Checked((Fault("definition", str(error)),))


def table_faults_of(recording: Recording) -> list[Fault]:
    """Who is in which split, and which targets are missing or cannot be."""
    spec, table = recording.spec, recording.table
    faults = split_faults(table, spec.groups)
    if spec.truth == BY_TEACHER:
        return faults
    if spec.kind in ("gaze", "angle"):
        return faults + (gaze_faults if spec.kind == "gaze" else direction_faults)(table, spec)
    if spec.kind == "class":
        known = table[table[LABEL_COLUMN].isin(range(len(spec.classes)))]
        faults += class_faults(known, known[LABEL_COLUMN].map(dict(enumerate(spec.classes))), spec.groups)
        unknown = table["id"][~table.index.isin(known.index)]
    else:
        unknown = table["id"][~np.isfinite(table[VALUE_COLUMN].to_numpy(np.float64))]
    return faults + [Fault("missing label", f"{name}: its {spec.kind} is not known.") for name in unknown]


def sample_faults(recording: Recording, row: int) -> list[Fault]:
    """A sample that cannot be read, or whose inputs are of another shape or type than the specification says."""
    try:
        sample = recording[row]
    except InputError as error:
        return [Fault("unreadable sample", str(error))]
    faults = []
    for one in recording.spec.inputs:
        found = sample.inputs.get(one.name)
        told = "is missing" if found is None else f"is {dimensions(found.shape)} of {found.dtype}"
        if found is None or found.shape != one.shape or str(found.dtype) != one.dtype:
            wanted = f"{dimensions(one.shape)} of {one.dtype}"
            faults.append(Fault("unreadable sample", f"{sample.id}: input '{one.name}' {told}, not {wanted}."))
    return faults
