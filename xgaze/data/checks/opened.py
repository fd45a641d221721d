"""Faults of any recording that can be opened: of its table, and of every sample against its specification."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.mixed_units import mixed_units_of
from xgaze.data.checks.pixel_faults import Looked, faults_of, kept_hashes, with_hashes
from xgaze.data.checks.table_faults import class_faults, direction_faults, gaze_faults, split_faults
from xgaze.data.contract import InputSpec, Recording, dimensions
from xgaze.data.fault_kinds import Checked, Fault, faults_in
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import BY_TEACHER, LABEL_COLUMN, VALUE_COLUMN


def check_opened(opened: Callable[[], Recording], advance: Advance | None = None) -> Checked:
    """What opening refuses; faults of the table; samples that cannot be read, are not what the specification says, or show the
    same as others."""
    try:
        recording = opened()
    except InputError as error:
        return Checked(faults_in(error))
    pictures = sum(shows_something(one) for one in recording.spec.inputs)
    total = len(recording.table)
    looked = kept_hashes(_look_at_samples(recording, advance), total, pictures)
    faults = (*table_faults_of(recording), *faults_of(looked), *copy_faults(looked, recording.spec.groups))
    return Checked(faults, (*recording.notes, *copies_told(looked)))


def shows_something(one: InputSpec) -> bool:
    """Whether an input shows something, grey or in colour, stored as whatever numbers, and is no vector, sequence or stack of
    maps."""
    return len(one.shape) == 3 and one.shape[0] in (1, 3) and min(one.shape[1:]) > 1


def _look_at_samples(recording: Recording, advance: Advance | None) -> Iterator[Looked]:
    total = len(recording.table)
    for row in range(total):
        yield _look_at_sample(recording, row)
        if advance:
            advance(row + 1, total)


def check_table(opened: Callable[[], Recording]) -> Checked:
    """What opening refuses, and faults of the table; no sample is read."""
    try:
        return Checked(tuple(table_faults_of(opened())))
    except InputError as error:
        return Checked(faults_in(error))


def table_faults_of(recording: Recording) -> list[Fault]:
    """Who is in which split, and which targets are missing or cannot be."""
    spec, table = recording.spec, recording.table
    faults = [*split_faults(table, spec.groups), *mixed_units_of(recording), *_unknown_beside(recording)]
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


def _unknown_beside(recording: Recording) -> list[Fault]:
    table, faults = recording.table, list[Fault]()
    for one in recording.spec.beside:
        unknown = ~np.isfinite(table[one.columns].to_numpy(np.float64)).all(axis=1)
        faults += [Fault("missing label", f"{name}: its {one.name} is not known.") for name in table["id"][unknown]]
    return faults


def _look_at_sample(recording: Recording, row: int) -> Looked:
    """One that cannot be read, or whose inputs are of another shape or type than the specification says, has faults, no hash."""
    line = recording.table.iloc[row]
    looked = Looked(str(line["id"]), str(line["split"]), "", (), owner=str(line["group"]))
    try:
        sample = recording[row]
    except InputError as error:
        return replace(looked, faults=(Fault("unreadable sample", str(error)),))
    faults = []
    for one in recording.spec.inputs:
        found = sample.inputs.get(one.name)
        told = "is missing" if found is None else f"is {dimensions(found.shape)} of {found.dtype}"
        if found is None or found.shape != one.shape or str(found.dtype) != one.dtype:
            wanted = f"{dimensions(one.shape)} of {one.dtype}"
            faults.append(Fault("unreadable sample", f"{sample.id}: input '{one.name}' {told}, not {wanted}."))
    pictures = [one.name for one in recording.spec.inputs if shows_something(one)]
    if faults or not pictures:
        return replace(looked, faults=tuple(faults))
    return with_hashes(looked, [sample.stored(one) for one in recording.spec.inputs if one.name in pictures])
