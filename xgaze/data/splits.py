"""Who is in which split: every participant in exactly one of train, validation and test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.artifacts import write_json
from xgaze.data.contract import SPLITS, Recording
from xgaze.errors import InputError

SHOWN = 20
HELD_OUT = ("validation", "test")
FEWEST: Mapping[str, int] = MappingProxyType({"train": 1, "validation": 2, "test": 2})
"""Groups in each split below which nothing can be said: one has no spread, so that no interval and no choice rests on it."""


def assign_splits(
    participants: Sequence[str],
    labels: Sequence[Any] | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    groups: str = "participant(s)",
) -> NDArray[np.str_]:
    """Split name of each sample, drawn by participant and by class where a participant has one class.

    participants (or what else shall be kept apart, called `groups`) and labels (None: no classes) have one entry per sample.
    Each split gets at least one participant, validation and test two where there are five, and each gets one of every class that
    has three or more; a class with two goes to train and test, with one to train. The order of samples does not matter. Raises
    InputError for fewer than three participants or fractions that leave no training.
    """
    if validation_fraction + test_fraction >= 1:
        raise InputError(
            f"split: validation {validation_fraction:g} and test {test_fraction:g} leave no {groups.removesuffix('(s)')} "
            "for training."
        )
    classes = _class_of(participants, labels)
    if len(classes) < len(SPLITS):
        raise InputError(
            f"{len(classes)} {groups} found ({', '.join(sorted(classes))}); "
            "train, validation and test need at least one, two and two, so five or more."
        )
    split_of = _draw(classes, validation_fraction, test_fraction, seed)
    if set(split_of.values()) != set(SPLITS):  # every class is too small to be split alone
        split_of = _draw(dict.fromkeys(classes, ""), validation_fraction, test_fraction, seed)
    split_of = _filled_up(split_of, classes, seed)
    return np.array([split_of[participant] for participant in participants])


def _class_of(participants: Sequence[str], labels: Sequence[Any] | None) -> dict[str, str]:
    """Participant -> class, "" for participants with several classes and where no labels are known."""
    found: dict[str, set[str]] = {}
    for row, participant in enumerate(participants):
        found.setdefault(participant, set()).add("" if labels is None else str(labels[row]))
    return {participant: next(iter(own)) if len(own) == 1 else "" for participant, own in found.items()}


def _draw(classes: dict[str, str], validation_fraction: float, test_fraction: float, seed: int) -> dict[str, str]:
    rng = np.random.default_rng(seed % 2**63)  # a seed may be negative, numpy's may not
    split_of: dict[str, str] = {}
    for name in sorted(set(classes.values())):
        members = sorted(participant for participant, own in classes.items() if own == name)
        drawn = [members[i] for i in rng.permutation(len(members))]
        split_of.update(zip(drawn, _shares(len(drawn), validation_fraction, test_fraction), strict=True))
    return split_of


def _filled_up(
    split_of: dict[str, str], classes: dict[str, str], seed: int, splits: Sequence[str] = ("validation", "test")
) -> dict[str, str]:
    """Whoever validates or tests alone gets company from the split that has most to spare, of its commonest class."""
    filled, rng = dict(split_of), np.random.default_rng(seed % 2**63)
    for split in splits:
        while (counts := Counter(filled.values()))[split] < FEWEST[split]:
            spare = {one: counts[one] - FEWEST[one] for one in SPLITS if one != split and one in filled.values()}
            donor = max(spare, key=lambda one: spare[one])
            if spare[donor] < 1:
                break
            members = sorted(name for name, own in filled.items() if own == donor)
            of_class = Counter(classes[name] for name in members)
            commonest = [name for name in members if of_class[classes[name]] == max(of_class.values())]
            filled[commonest[int(rng.integers(len(commonest)))]] = split
    return filled


def _shares(count: int, validation_fraction: float, test_fraction: float) -> list[str]:
    """Split names for `count` participants of one class; rounded to nearest, but no split is left empty."""
    if count < len(SPLITS):
        return ["train", "test"][:count]
    validation = min(max(1, round(count * validation_fraction)), count - 2)
    test = min(max(1, round(count * test_fraction)), count - 1 - validation)
    return ["train"] * (count - validation - test) + ["validation"] * validation + ["test"] * test


def shared_participants(table: pd.DataFrame) -> dict[str, list[str]]:
    """Participants in more than one split, with their splits."""
    names = {split: members_of(table, split) for split in SPLITS}
    counts = Counter(name for own in names.values() for name in own)
    shared = sorted(name for name, count in counts.items() if count > 1)
    return {name: [split for split, own in names.items() if name in own] for name in shared}


def members_of(table: pd.DataFrame, split: str) -> list[str]:
    """Who is in a split, sorted."""
    return sorted(map(str, table["group"][table["split"] == split].unique()))


def held_out_of(recording: Recording) -> set[str]:
    """Validation and test participants of a recording."""
    table = recording.table
    return set(table["group"][table["split"].isin(HELD_OUT)])


def assert_disjoint(table: pd.DataFrame) -> None:
    """Raise InputError naming every participant that is in two splits (the first 20, and how many)."""
    shared = shared_participants(table)
    if not shared:
        return
    shown = [f"{participant} ({' and '.join(splits)})" for participant, splits in list(shared.items())[:SHOWN]]
    more = f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
    raise InputError(
        f"{len(shared)} participant(s) in two splits: {', '.join(shown)}{more}. "
        "A model must be tested on people it never saw: keep each person in one split."
    )


def too_few(table: pd.DataFrame, groups: str = "participants") -> list[str]:
    """A sentence for each split with too few participants (or what else `groups` are) to say anything; empty splits left out."""
    members = {split: members_of(table, split) for split in SPLITS}
    total = table["group"].nunique()
    least = sum(FEWEST.values())
    remedy = "move more of them to {}" if total >= least else f"add at least {least - total}"
    return [
        f"{split}: {len(members[split])} of {total} {groups} ({', '.join(members[split])}), and {fewest} are needed: "
        f"one alone has no spread, so that no interval and no choice can rest on it; {remedy.format(split)}."
        for split, fewest in FEWEST.items()
        if 0 < len(members[split]) < fewest
    ]


def require_enough(table: pd.DataFrame, groups: str = "participants") -> None:
    """Before anything is computed. Raises InputError where a split holds nobody, or too few to say anything."""
    empty = [f"{split}: none of the {groups}." for split in SPLITS if not (table["split"] == split).any()]
    if faults := empty + too_few(table, groups):
        raise InputError(f"too few {groups}: {' '.join(faults)}")


def split_summary(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """{split: {participants: sorted names, samples: count}} for train, validation, test."""
    return {
        split: {"participants": members_of(table, split), "samples": int((table["split"] == split).sum())}
        for split in SPLITS
    }


def write_splits(path: Path, table: pd.DataFrame) -> None:
    """Write `split_summary` as JSON."""
    write_json(path, split_summary(table))


def validation_of(groups: Sequence[str], classes: Sequence[Any], fraction: float, seed: int) -> set[str]:
    """Groups of the training samples that shall validate: a share of those of every class, two in all where one is left over.

    groups and classes have one entry per training sample. Raises InputError where nothing would be left to train on.
    """
    class_of = _class_of(list(groups), list(classes))
    rng = np.random.default_rng(seed % 2**63)
    held: set[str] = set()
    for name in sorted(set(class_of.values())):
        members = sorted(group for group, own in class_of.items() if own == name)
        count = min(round(len(members) * fraction), len(members) - 1)
        held |= {members[i] for i in rng.permutation(len(members))[:count]}
    if not held and len(class_of) > 1:
        held = {sorted(class_of)[int(rng.integers(len(class_of)))]}
    if not held:
        raise InputError("training holds one group only: validation cannot be drawn from it.")
    split_of = {group: "validation" if group in held else "train" for group in class_of}
    filled = _filled_up(split_of, class_of, seed, ("validation",))
    return {group for group, split in filled.items() if split == "validation"}
