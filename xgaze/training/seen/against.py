"""A recording's pictures against those that a model was trained on: what was done to them, where undoing it makes them alike."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.checks.opened import shows_something
from xgaze.data.contract import Recording, Spec, participants_of, spread_evenly
from xgaze.data.fault_kinds import Fault
from xgaze.evaluation.intervals.participants import participant_means
from xgaze.models.layers import FeatureHead
from xgaze.training.seen.changed_pictures import CHANGES, NORMALISE, Change, Numbers, Pictures, numbers_of
from xgaze.training.seen.seen_pictures import (
    EMBEDDING,
    Reference,
    embedded,
    given_inputs,
    shown_in,
    squares,
)

SAMPLES, FEWEST, BYTES = 192, 32, 2**27
"""Of a recording, evenly spaced: they tell what was done to all. Between these two, as many as take so much memory."""
CLEAR = 0.8
"""A change is told where undoing it leaves at most this share of the distance from the training, of the person in the middle."""
MOST_PEOPLE = 0.9
"""And brings the pictures of as many people nearer."""
Distances = NDArray[np.float64]
"""By person."""


@dataclass(frozen=True)
class Found:
    """A change that explains how unlike pictures are. inputs: which; before, after: distances as they are, and undone."""

    change: Change
    inputs: tuple[str, ...]
    before: Distances
    after: Distances


@dataclass(frozen=True, eq=False)
class Held:
    """Samples of a recording held against a model. seen: what it was trained on; of the embedding, where it is this model's.
    there: of every input, which samples have it; pictures are looked at where they are."""

    model: FeatureHead
    spec: Spec
    seen: Mapping[str, Reference]
    inputs: Mapping[str, NDArray[Any]]
    people: NDArray[Any]
    there: Mapping[str, NDArray[np.bool_]]

    @property
    def pictures(self) -> dict[str, Reference]:
        """By name, those that are."""
        return {one.name: self.seen[str(k)] for k, one in enumerate(self.spec.inputs) if shows_something(one)}

    def numbers(self, name: str) -> Numbers:
        found = self.pictures[name].numbers
        assert found is not None
        return found

    def shown(self, name: str) -> Pictures:
        """Of the samples that have it."""
        return self.inputs[name][self.there[name]]

    def undone(self, change: Change, name: str) -> Pictures:
        """Of the same."""
        return change.undo(self.shown(name), self.numbers(name))

    def may_be(self, change: Change, name: str) -> bool:
        return change.fits(self.shown(name), self.numbers(name))

    def of_pictures(self, name: str, pictures: Pictures) -> Distances:
        """Of those of the samples that have it."""
        own = self.people[self.there[name]]
        return participant_means(self.pictures[name].spread.distances(squares(pictures)), own)

    def of_embedding(self, changes: Mapping[str, Change] = MappingProxyType({})) -> Distances:
        """With these changes of inputs undone."""
        undone = {name: self._among_all(name, self.undone(change, name)) for name, change in changes.items()}
        points = embedded(self.model, self.spec, {**self.inputs, **undone})
        return participant_means(self.seen[EMBEDDING].spread.distances(points), self.people)

    def _among_all(self, name: str, shown: Pictures) -> Pictures:
        """With what stands for the picture where it is missing."""
        if self.there[name].all():
            return shown
        whole = self.inputs[name].astype(shown.dtype)
        whole[self.there[name]] = shown
        return whole


def held_against(model: FeatureHead, seen: Mapping[str, Reference], recording: Recording) -> Held:
    """Of a recording that the model can read (`as_trained`). Raises InputError for samples that cannot be read."""
    one = sum(math.prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in recording.spec.inputs)
    rows = spread_evenly(np.arange(len(recording.table)), max(FEWEST, min(SAMPLES, BYTES // one)))
    there = {one.name: shown_in(recording, one.name, rows) for one in recording.spec.inputs}
    return Held(model, recording.spec, seen, given_inputs(recording, rows), participants_of(recording, rows), there)


def faults_against(held: Held) -> tuple[list[Fault], list[str]]:
    """Faults; and in words what is unlike the training without one."""
    found = _together([one for name in held.pictures if (one := _of_pictures(held, name))])
    if not found and EMBEDDING in held.seen and (whole := _of_embedding(held)):
        return [Fault("unlike the model's pictures", _told(held, whole, by_embedding=True))], []
    explained = {name: one.change for one in found for name in one.inputs}
    rest = [one for name in held.pictures if name not in explained for one in _unlike(held, name)]
    told = [_told(held, one) for one in found]
    if _agrees(held, explained):
        return [Fault("unlike the model's pictures", one) for one in told], rest
    return [], [*(f"{one} The model's embedding does not say so: look at them." for one in told), *rest]


def best_change(
    before: Distances, undo: Callable[[Change], Distances], may_be: Callable[[Change], bool]
) -> Found | None:
    """The change of which undoing leaves the least distance, by a clear margin and for most people; a certain one at once."""
    best: Found | None = None
    for name, change in CHANGES.items():
        if not may_be(change):
            continue
        one = Found(change, (), before, undo(change))
        if change.certain:
            return one
        clear = np.median(one.after) <= CLEAR * np.median(before) and (one.after < before).mean() >= MOST_PEOPLE
        # What can make anything alike comes last, and is told where nothing simpler explains nearly as much.
        margin = CLEAR if name == NORMALISE else 1.0
        if clear and (best is None or np.median(one.after) < margin * np.median(best.after)):
            best = one
    return best


def _of_pictures(held: Held, name: str) -> Found | None:
    before = held.of_pictures(name, held.shown(name))
    found = best_change(
        before,
        lambda change: held.of_pictures(name, held.undone(change, name)),
        lambda change: held.may_be(change, name),
    )
    unusual = np.median(before) > np.median(held.pictures[name].usual)
    return replace(found, inputs=(name,)) if found and (unusual or found.change.certain) else None


def _of_embedding(held: Held) -> Found | None:
    """A change of all pictures that shows in the embedding alone."""
    names, before = tuple(held.pictures), held.of_embedding()
    if not names or np.median(before) <= held.seen[EMBEDDING].usual.max():
        return None
    found = best_change(
        before,
        lambda change: held.of_embedding(dict.fromkeys(names, change)),
        lambda change: all(held.may_be(change, name) for name in names),
    )
    return replace(found, inputs=names) if found else None


def _together(found: list[Found]) -> list[Found]:
    """Inputs to which the same was done, once: with the distances of the first."""
    by_change: dict[str, list[Found]] = {}
    for one in found:
        by_change.setdefault(one.change.done, []).append(one)
    return [replace(own[0], inputs=tuple(name for one in own for name in one.inputs)) for own in by_change.values()]


def _agrees(held: Held, explained: Mapping[str, Change]) -> bool:
    """Whether the embedding, where it is known, comes nearer as well; what is certain needs nobody's consent."""
    if EMBEDDING not in held.seen or any(one.certain for one in explained.values()):
        return True
    return bool(np.median(held.of_embedding(explained)) <= np.median(held.of_embedding()))


def _told(held: Held, found: Found, by_embedding: bool = False) -> str:
    what = "their embedding" if by_embedding else "they"
    usual = held.seen[EMBEDDING].usual if by_embedding else held.pictures[found.inputs[0]].usual
    nearer, people = int((found.after < found.before).sum()), len(found.before)
    return (
        f"{', '.join(found.inputs)}: the pictures look {found.change.done}. With that undone, {what} would be "
        f"{np.median(found.after):.3g} from the training's, not {np.median(found.before):.3g} (validation people: "
        f"{np.median(usual):.3g}); nearer for {nearer} of {people} {held.spec.groups}, {len(held.people)} samples looked at. "
        f"{found.change.remedy}."
    )


def _unlike(held: Held, name: str) -> list[str]:
    before, usual = held.of_pictures(name, held.shown(name)), held.pictures[name].usual
    if np.median(before) <= usual.max():
        return []
    own, trained = numbers_of(held.shown(name)), held.numbers(name)
    return [
        f"{name}: the pictures are {np.median(before):.3g} from the training's (validation people up to {usual.max():.3g}), "
        f"and no turn, mirror or scale explains it. Mean {own.mean:.3g}, deviation {own.deviation:.3g}; in training "
        f"{trained.mean:.3g} and {trained.deviation:.3g}."
    ]
