"""Which frames of a person calibrate, and which are tested: never the same target point on both sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.errors import InputError

ROUNDED = 2
"""Decimals to which target points are compared, as `Plane.in_steps` has them: readers may have passed them through another
unit."""
SHOWN = 3


@dataclass(frozen=True, eq=False)
class Draws:
    """One line per drawing of one person. calibrating: (lines, most) samples, one per target point, so that the first k of them
    are a calibration of k points. tested: (lines, width) samples at none of these points, -1 where a line has fewer; the same
    whatever k is. people: (lines,) the participant of each."""

    calibrating: NDArray[np.int64]
    tested: NDArray[np.int64]
    people: NDArray[np.str_]


def draw_points(
    targets: NDArray[np.float64],
    participants: NDArray[np.str_],
    most: int,
    times: int,
    seed: int = 0,
    option: str = "--points",
) -> Draws:
    """`times` drawings of `most` target points for every participant, at random. targets: (n, numbers), as
    `Plane.in_steps` has them (px); participants: (n,).

    Raises InputError where a participant looked at fewer than most + 1 points, naming how many do. option: that
    asked for so many.
    """
    rng, names = np.random.default_rng(seed), np.unique(participants)
    points = {str(one): _samples_of_points(targets, np.flatnonzero(participants == one)) for one in names}
    _require(points, most, option)
    lines = [(one, _drawn(points[str(one)], most, rng)) for one in names for _ in range(times)]
    width = max(len(tested) for _, (_, tested) in lines)
    padded = [np.pad(tested, (0, width - len(tested)), constant_values=-1) for _, (_, tested) in lines]
    return Draws(
        np.stack([calibrating for _, (calibrating, _) in lines]),
        np.stack(padded),
        np.array([one for one, _ in lines], dtype=str),
    )


def fewest_points(targets: NDArray[np.float64], participants: NDArray[np.str_]) -> int:
    """Target points of the participant who looked at the fewest."""
    return min(len(_samples_of_points(targets, np.flatnonzero(participants == one))) for one in np.unique(participants))


def _samples_of_points(targets: NDArray[np.float64], own: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Samples of one participant by the point they look at."""
    _, point = np.unique(targets[own].round(ROUNDED), axis=0, return_inverse=True)
    return [own[point.ravel() == k] for k in range(int(point.max()) + 1)]


def _drawn(
    points: list[NDArray[np.int64]], most: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = rng.permutation(len(points))
    calibrating = np.array([rng.choice(points[k]) for k in order[:most]], np.int64)
    return calibrating, np.concatenate([points[k] for k in order[most:]])


def _require(points: dict[str, list[NDArray[np.int64]]], most: int, option: str) -> None:
    few = sorted(name for name, own in points.items() if len(own) <= most)
    if few:
        enough = min(map(len, points.values())) - 1
        way_out = f"ask for at most {enough} points ({option})" if enough > 0 else "record more points of them"
        raise InputError(
            f"{len(few)} of {len(points)} participants ({', '.join(few[:SHOWN])}{', ...' if len(few) > SHOWN else ''}) looked at "
            f"too few target points for {most} to calibrate and others to test: {way_out}."
        )
