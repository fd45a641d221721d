"""Folds over participants: who is tested when, and who selects. Pure: names in, names out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xgaze.errors import InputError

SINGLE_SPLIT = 5
"""With one inner split, one person in so many validates."""


@dataclass(frozen=True)
class Person:
    """A participant, the classes of their samples (none where the target is no class), and how many samples they gave."""

    id: str
    classes: frozenset[str]
    samples: int


@dataclass(frozen=True)
class InnerFold:
    """Participants who train and those who select, all of them outside the outer test participants."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


@dataclass(frozen=True)
class OuterFold:
    """Participants tested once, the others, and how the others are divided to select."""

    test: tuple[str, ...]
    train: tuple[str, ...]
    inner: tuple[InnerFold, ...]


def people_of(participants: Iterable[Any], labels: Iterable[Any] | None) -> list[Person]:
    """Who is there, sorted by name, from one entry per sample (labels: None where the target is no class)."""
    names = [str(name) for name in participants]
    told = [frozenset[str]()] * len(names) if labels is None else [frozenset({str(label)}) for label in labels]
    samples = Counter(names)
    classes: dict[str, frozenset[str]] = {}
    for name, own in zip(names, told, strict=True):
        classes[name] = classes.get(name, frozenset()) | own
    return [Person(name, classes[name], samples[name]) for name in sorted(samples)]


def nested_folds(
    people: Sequence[Person], outer: int, inner: int, seed: int, groups: str = "participants"
) -> tuple[OuterFold, ...]:
    """`outer` folds balanced by class and number of samples; the others of each divided again into `inner` folds.

    Every participant is tested exactly once. inner = 1 holds one person in five out to select. Raises InputError for more
    folds than participants, and for a fold that would hold one class only.
    """
    tested = deal(people, outer, seed, "--outer", groups)
    folds = []
    for number, group in enumerate(tested):
        held = {person.id for person in group}
        others = [person for person in people if person.id not in held]
        folds.append(OuterFold(_names(group), _names(others), _inner(others, inner, _seed(seed, number), groups)))
    return tuple(folds)


def paper_folds(
    people: Sequence[Person], outer: int, inner: int, groups: str = "participants"
) -> tuple[OuterFold, ...]:
    """The folds of a published protocol: names sorted as strings, consecutive slices of n // k, the rest never tested.

    Not for a clean estimate: it leaves people out, and is here only to replay what was published.
    """
    names = sorted(person.id for person in people)
    _require_enough(len(names), outer, "--outer", groups)
    folds = []
    for test in _slices(names, outer):
        others = [name for name in names if name not in test]
        _require_enough(len(others), inner, "--inner", groups)
        splits = [InnerFold(tuple(n for n in others if n not in held), tuple(held)) for held in _slices(others, inner)]
        folds.append(OuterFold(tuple(test), tuple(others), tuple(splits)))
    return tuple(folds)


def deal(
    people: Sequence[Person], folds: int, seed: int, option: str, groups: str = "participants"
) -> list[list[Person]]:
    """Divide people into folds whose numbers of participants, in all and of every class, differ by at most one.

    Among people of one class those with many samples are dealt first, each to a fold with few samples. Raises InputError.
    """
    _require_enough(len(people), folds, option, groups)
    rng = np.random.default_rng(seed % 2**63)  # a seed may be negative, numpy's may not
    dealt: list[list[Person]] = [[] for _ in range(folds)]
    for kind in sorted({_kind(person) for person in people}):
        members = sorted((one for one in people if _kind(one) == kind), key=lambda one: one.id)
        shuffled = [members[k] for k in rng.permutation(len(members))]
        shuffled.sort(key=lambda one: -one.samples)  # stable, so chance decides among equals
        for start in range(0, len(shuffled), folds):
            _deal_round(dealt, shuffled[start : start + folds], rng)
    _require_classes(people, dealt, option)
    return dealt


def _deal_round(dealt: list[list[Person]], members: Sequence[Person], rng: np.random.Generator) -> None:
    """At most one person to a fold: the fold of fewest people and then fewest samples gets the one with most samples."""
    chance = rng.permutation(len(dealt))
    places = sorted(range(len(dealt)), key=lambda k: (len(dealt[k]), _samples(dealt[k]), chance[k]))[: len(members)]
    for place, person in zip(sorted(places, key=lambda k: (_samples(dealt[k]), chance[k])), members, strict=True):
        dealt[place].append(person)


def _inner(others: Sequence[Person], inner: int, seed: int, groups: str) -> tuple[InnerFold, ...]:
    if inner == 1:
        fewest = min(Counter(name for one in others for name in one.classes).values(), default=SINGLE_SPLIT)
        dealt = deal(others, max(2, min(SINGLE_SPLIT, len(others), fewest)), seed, "--inner", groups)[:1]
    else:
        dealt = deal(others, inner, seed, "--inner", groups)
    return tuple(InnerFold(_names(one for one in others if one not in held), _names(held)) for held in dealt)


def _require_enough(people: int, folds: int, option: str, groups: str) -> None:
    if folds < 2:
        raise InputError(f"{option} {folds}: at least 2 folds are needed.")
    if folds > people:
        raise InputError(f"{option} {folds}: only {people} {groups} to divide, and every fold needs one or more.")


def _require_classes(people: Sequence[Person], groups: Sequence[Sequence[Person]], option: str) -> None:
    """Raise InputError for a fold of one class, or one that leaves only one class to train on."""
    counts = Counter(name for person in people for name in person.classes)
    if not counts:
        return
    for number, group in enumerate(groups, start=1):
        held = Counter(name for person in group for name in person.classes)
        left = counts - held
        if len(held) < 2 or len(left) < 2:
            raise InputError(_one_class(option, len(groups), number, counts, held if len(held) < 2 else left))


def _one_class(option: str, folds: int, number: int, counts: Counter[str], held: Counter[str]) -> str:
    told = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
    possible = sorted(counts.values())[-2] if len(counts) > 1 else 0
    remedy = f"give at most {option} {possible}" if possible > 1 else "record more participants of the rare class"
    return (
        f"{option} {folds}: fold {number} would hold one class only ('{min(held)}'), so it could neither be trained nor scored. "
        f"Participants per class: {told}; {remedy}."
    )


def _kind(person: Person) -> tuple[str, ...]:
    return tuple(sorted(person.classes))


def _samples(group: Sequence[Person]) -> int:
    return sum(person.samples for person in group)


def _names(group: Iterable[Person]) -> tuple[str, ...]:
    return tuple(sorted(person.id for person in group))


def _slices(names: list[str], folds: int) -> list[list[str]]:
    size = len(names) // folds
    return [names[k * size : (k + 1) * size] for k in range(folds)]


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed % 2**63, number]).generate_state(1)[0])
