"""People whose labels are in another unit than those of the others, by how far they reach.

Told only where no way of looking explains it: as many times as far as units differ, along both axes, and where the smaller labels
could be in the larger unit. Somebody who looks straight ahead, a telephone among screens and a few points are no reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec
from xgaze.data.fault_kinds import Fault
from xgaze.recorded_targets import BY_TEACHER
from xgaze.units import DEGREES, RADIANS, VECTOR

FEWEST_POINTS, FEWEST_PEOPLE = 4, 3
"""Of a person, points that differ; and people who have so many."""
REACH = 0.9
"""The share of a person's labels within their reach: one slip of the hand does not move it."""
FACTOR, ALONG_AXES = 7.0, 4.0
"""Centimetres among millimetres are ten times too small; people who look at the same scene reach equally far but for less than
this. From a telephone, upright, to a screen it is less along one of the axes."""
TURNS = 20.0
"""Degrees are 57 times radians."""
SMALL: Mapping[str, tuple[float, float]] = MappingProxyType({"px": (100, 12), "cm": (1.5, 12), "mm": (40, FACTOR)})
"""What labels in a longer unit, or shares, reach at most, and how many times farther others do at least: cm or degrees among px,
m among cm, cm among mm."""
LIKELY: Mapping[tuple[str, bool], str] = MappingProxyType(
    {
        ("px", False): "shares of the scene, cm or degrees",
        ("cm", False): "m, or shares of the screen",
        ("cm", True): "mm or px",
        ("mm", False): "cm or m",
        ("mm", True): "px",
    }
)
"""What labels are in that reach less far than those of others, or (true) farther."""
ONE_OF = {"participants": "participant", "sequences": "sequence"}


@dataclass(frozen=True, eq=False)
class Reaches:
    """How far the labels of people reach from the origin, (people,), and along each axis, (people, axes); labels counts them."""

    names: NDArray[Any]
    labels: NDArray[np.int64]
    far: NDArray[np.float64]
    along: NDArray[np.float64]


def mixed_units_of(recording: Recording) -> list[Fault]:
    """Of any recording whose target is gaze, recorded, and not rendered."""
    spec = recording.spec
    if spec.kind not in ("gaze", "angle") or spec.truth == BY_TEACHER or spec.rendered:
        return []
    points = recording.table[spec.own_columns].to_numpy(np.float64)
    return mixed_units(points, recording.table["group"].to_numpy(), spec)


def mixed_units(points: NDArray[np.float64], people: NDArray[Any], spec: Spec) -> list[Fault]:
    """A fault for each person whose labels stand out. points: labels (n, 2 or 3) of gaze or directions, NaN where unknown; people
    likewise, (n,)."""
    known = np.isfinite(points).all(axis=1)
    found = _reaches(points[known], people[known])
    if len(found.names) < FEWEST_PEOPLE:
        return []
    middle = np.argsort(found.far, kind="stable")[
        (len(found.far) - 1) // 2
    ]  # one of them, also where units are half and half
    usual, usual_along = found.far[middle], np.sort(found.along, axis=0)[(len(found.far) - 1) // 2]
    if not usual:
        return []
    faults = []
    for name, labels, far, along in zip(found.names, found.labels, found.far, found.along, strict=True):
        if _stands_out(far, usual, spec) and (spec.kind == "angle" or _along_all(along, usual_along, far > usual)):
            what = f"the {labels:,} labels reach {far:.3g} from the origin, those of most {spec.groups} {usual:.3g}"
            told = f"{ONE_OF.get(spec.groups, 'group')} {name}: {what}; are they in another unit{_likely(spec, far > usual)}?"
            faults.append(Fault("mixed units", told))
    return faults


def _stands_out(far: float, usual: float, spec: Spec) -> bool:
    small, large = sorted((float(far), float(usual)))
    if not small:
        return False
    if spec.unit == RADIANS:
        return large > np.pi and large >= TURNS * small
    if spec.unit == DEGREES:
        return small < np.pi / 2 and large >= TURNS * small
    most, factor = (np.inf, FACTOR) if spec.unit == VECTOR or far > usual else SMALL[spec.unit]
    return large >= factor * small and small <= most


def _along_all(along: NDArray[np.float64], usual: NDArray[np.float64], farther: bool) -> bool:
    """Whether the labels differ along every axis on which people look anywhere."""
    used = usual > 1e-3 * usual.max()
    small, large = (usual[used], along[used]) if farther else (along[used], usual[used])
    return bool((large >= ALONG_AXES * small).all())


def _likely(spec: Spec, farther: bool) -> str:
    if spec.unit in (RADIANS, DEGREES):
        return f" ({DEGREES if farther else RADIANS})"
    likely = LIKELY.get((spec.unit, farther))
    return f" ({likely})" if likely else ""


def _reaches(points: NDArray[np.float64], people: NDArray[Any]) -> Reaches:
    """Of the people with points enough; sorted rather than looked for one by one, since recordings have thousands of people."""
    of, names = pd.factorize(people)
    labels = np.bincount(of, minlength=len(names))
    sizes = [np.linalg.norm(points, axis=1), *np.abs(points).T]
    enough = _distinct(sizes[0], of, len(names)) >= FEWEST_POINTS
    far, *along = (_of_each(size, of, labels) for size in sizes)
    return Reaches(np.asarray(names)[enough], labels[enough], far[enough], np.stack(along, axis=1)[enough])


def _distinct(size: NDArray[np.float64], of: NDArray[np.int64], people: int) -> NDArray[np.int64]:
    """How many sizes that differ each one has."""
    order = np.lexsort((size, of))
    own, size = of[order], size[order]
    differs = np.r_[True, (own[1:] != own[:-1]) | (size[1:] != size[:-1])][: len(size)]
    return np.bincount(own[differs], minlength=people)


def _of_each(size: NDArray[np.float64], of: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the share `REACH` of each one's sizes stay within."""
    starts = np.cumsum(labels) - labels
    reach: NDArray[np.float64] = size[np.lexsort((size, of))][starts + (REACH * (labels - 1)).astype(int)]
    return reach
