"""Views that samples lack, an eye that is closed or a camera that dropped a frame: told by input and participant, and refused
where nothing is left to see, or where a model never met a sample without."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import InputSpec, Recording, Spec
from xgaze.data.fault_kinds import Fault, listed
from xgaze.errors import InputError

Missing = Mapping[str, NDArray[np.bool_]]
"""Of every input that may be missing, which samples lack it (n,)."""
DECLARE = "may_be_missing: true"


def missing_condition(name: str) -> str:
    """What slices of samples that lack an input, and of those that have it, are called."""
    return f"{name} missing"


def missing_told(missing: Missing, people: Sequence[str]) -> list[str]:
    """How many samples lack each input, and whose they are; people: of every sample."""
    every, told = Counter(people), []
    for name, lacking in missing.items():
        own = Counter(np.asarray(people)[lacking].tolist())
        if not own:
            continue
        by_person = listed([f"{person} {count:,} of {every[person]:,}" for person, count in own.most_common()])
        share = f"{lacking.sum():,} of {len(lacking):,} samples"
        told.append(f"{name}: missing in {share}, where models read its mean ({by_person}).")
    return told


def seen_nothing(inputs: Sequence[InputSpec], missing: Missing) -> NDArray[np.int64]:
    """Samples that lack every picture (of a recording without pictures, every input): nothing is left to see."""
    views = [one.name for one in inputs if len(one.shape) == 3] or [one.name for one in inputs]
    if not set(views) <= set(missing):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.all([missing[name] for name in views], axis=0))


def nothing_left(inputs: Sequence[InputSpec], missing: Missing, people: Sequence[str]) -> list[Fault]:
    """A fault for each row that lacks all views."""
    rows, many = seen_nothing(inputs, missing), len(people)
    share = f"{len(rows):,} of {many:,} rows"
    return [
        Fault("all views missing", f"row {row + 1} ({people[row]}): no view is there; {share}.")
        for row in rows.tolist()
    ]


def require_met(recording: Recording, spec: Spec, what: str) -> None:
    """Raises InputError where samples lack an input that is never missing in what a model with `spec` was trained on."""
    known = {one.name for one in spec.inputs if one.may_be_missing}
    people = recording.table["group"].astype(str).to_numpy()
    found = recording.missing(np.arange(len(people)))
    told = missing_told({name: lacking for name, lacking in found.items() if name not in known}, people.tolist())
    if told:
        raise InputError(
            f"{what}: {' '.join(told)} The model never met a sample without: leave these rows out, or train it on a recording "
            f"that says so of this input ({DECLARE})."
        )
