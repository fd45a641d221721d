"""People scored as a tracker in use would see them: each calibrated by a few target points, and asked at others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.calibration.gain import Seen, chosen_strength, corrections
from xgaze.calibration.maps import Scale
from xgaze.calibration.plane import Plane
from xgaze.calibration.points import Draws, draw_points
from xgaze.data.contract import Recording, Spec, participants_of, rows_of, targets_of
from xgaze.data.teacher_truth import require_labels
from xgaze.errors import InputError

HOW = "affine"
TIMES = 5
"""Drawings of points per person."""


@dataclass(frozen=True, eq=False)
class OnceKnown:
    """targets (n, outputs) of all samples, as they are recorded, of several the main one; `plane`: in which they are moved.
    halves: drawings of two halves of the people; how strongly the maps of one half are drawn to no change is chosen on the other.
    points: that calibrate, of each drawing."""

    targets: NDArray[np.float64]
    participants: NDArray[np.str_]
    halves: tuple[Draws, Draws]
    points: int
    plane: Plane

    @property
    def truth(self) -> NDArray[np.float32]:
        """Targets (m, outputs) of the frames that are asked, a drawing after the other."""
        return np.concatenate([self.targets[_asked(half)] for half in self.halves]).astype(np.float32)

    @property
    def people(self) -> NDArray[np.str_]:
        """Whose they are, (m,)."""
        return np.concatenate([np.repeat(half.people, (half.tested >= 0).sum(axis=1)) for half in self.halves])

    def outputs(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """What a model says of all samples (n, outputs) -> of the frames that are asked (m, outputs), by each one's own map."""
        said = self.plane.placed(outputs)
        first, second = self.halves
        parts = [self._calibrated(said, own, other) for own, other in ((first, second), (second, first))]
        return self.plane.outputs(np.concatenate(parts)).astype(np.float32)

    def _calibrated(self, said: NDArray[np.float64], own: Draws, other: Draws) -> NDArray[np.float64]:
        head, truth = np.zeros((len(said), 0)), self.plane.placed(self.targets)
        scale = Scale.of(said[np.isin(self.participants, other.people)])
        strength = chosen_strength(HOW, self.points, Seen(said, head, truth, other, self.plane), None, scale)
        moved = corrections(HOW, self.points, Seen(said, head, truth, own, self.plane), None, scale, strength)
        return said[_asked(own)] + moved[own.tested >= 0]


def once_known(spec: Spec, targets: NDArray[Any], participants: NDArray[Any], points: int, seed: int = 0) -> OnceKnown:
    """Drawn at random, the same whoever is scored. Raises InputError for classes, for fewer than two people, and
    where somebody looked at too few points."""
    if spec.kind == "class":
        raise InputError(
            "distill.after_calibration is for gaze points, directions and values; leave it out for classes."
        )
    known, people = np.asarray(spec.own(targets), np.float64), np.asarray(participants).astype(str)
    names = np.unique(people)
    if len(names) < 2:
        raise InputError("distill.after_calibration needs two people or more: the maps of some are chosen on others.")
    plane = Plane.of(spec, known)
    draws = draw_points(plane.in_steps(known), people, points, TIMES, seed, "--after-calibration")
    first = np.isin(draws.people, names[::2])
    return OnceKnown(known, people, (_lines(draws, first), _lines(draws, ~first)), points, plane)


def known_people(recording: Recording, split: str, points: int) -> OnceKnown:
    """Those of a split. Raises InputError where they cannot be calibrated."""
    require_labels(recording, "distill.after_calibration")
    rows = rows_of(recording, split)
    return once_known(recording.spec, targets_of(recording, rows), participants_of(recording, rows), points)


def _lines(draws: Draws, kept: NDArray[np.bool_]) -> Draws:
    return Draws(draws.calibrating[kept], draws.tested[kept], draws.people[kept])


def _asked(draws: Draws) -> NDArray[np.int64]:
    """Samples (m,) of all lines, one line after the other."""
    return draws.tested[draws.tested >= 0]
