"""Error as a function of lag: do labels tell where people looked some frames before or after?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xgaze.data.contract import Spec
from xgaze.evaluation.angle import sideways_and_up
from xgaze.evaluation.intervals.participants import Interval, mean_interval

MOST = 30
"""Frames by which labels are shifted, to both sides; of sessions in the middle, a quarter of their frames at most."""
FEWEST_PEOPLE = 3
CHANCE = 0.05
"""Divided by the number of lags that were tried."""
LEAST_GAIN = 0.02
"""Of the largest error: less is nobody's clock."""
SAME = 1e-6
"""Of their size: numbers that vary less are one number, told in 32 bits."""


@dataclass(frozen=True, eq=False)
class Lagged:
    """lags (n,) in frames: frame t is held against the label of frame t + lag. errors (people, n): how far a model's outputs are
    from what a person's labels say of them; frames: how many, the same ones for every lag."""

    lags: NDArray[np.int64]
    errors: NDArray[np.float64]
    frames: int

    @property
    def means(self) -> NDArray[np.float64]:
        return np.asarray(self.errors.mean(axis=0))

    def shift(self) -> "Shift | None":
        """The lag with the least error, where that is less than without one, and than with the others, by more than chance, the
        many looks counted."""
        best, none = int(self.means.argmin()), int(np.flatnonzero(self.lags == 0)[0])
        own = self.errors[:, best]
        gained, others = self.errors[:, none] - own, np.delete(self.errors, [best, none], axis=1).mean(axis=1) - own
        if best == none or not (self._is_clear(gained) and self._is_clear(others)):
            return None
        interval = mean_interval(-gained, np.arange(len(gained)).astype(str))
        return Shift(int(self.lags[best]), float(self.means[none]), float(self.means[best]), interval)

    def _is_clear(self, gained: NDArray[np.float64]) -> bool:
        """Of errors that people lost (people,)."""
        if len(gained) < FEWEST_PEOPLE or gained.mean() <= LEAST_GAIN * self.means.max():
            return False
        same = np.ptp(gained) == 0
        chance = 0.0 if same else float(stats.ttest_1samp(gained, 0.0, alternative="greater").pvalue)
        return chance * (len(self.lags) - 1) < CHANCE


@dataclass(frozen=True)
class Shift:
    """Frames fit the labels of `lag` frames later (earlier, below 0). error, shifted: means of `Lagged.errors` without and with
    it; difference: with minus without, paired, over people."""

    lag: int
    error: float
    shifted: float
    difference: Interval


def errors_by_lag(
    spec: Spec, outputs: NDArray[Any], targets: NDArray[Any], people: Sequence[str], sessions: Sequence[str]
) -> Lagged | None:
    """outputs and targets (n, ...) of frames in the order of time within each person's session. Frames without a label count as
    nothing. None of classes, and where sessions are too short to shift anything."""
    runs = _runs(people, sessions)
    most = min(MOST, int(np.median([len(run) for run in runs])) // 4) if runs and spec.kind != "class" else 0
    if not most:
        return None
    known = np.isfinite(targets).all(axis=1)
    rows = np.concatenate([run[most:-most] for run in runs if len(run) > 2 * most] or [np.zeros(0, np.int64)])
    rows = rows[[bool(known[row - most : row + most + 1].all()) for row in rows]] if len(rows) else rows
    outputs, targets = _on_a_plane(spec, outputs), _on_a_plane(spec, targets)
    owners, lags = np.asarray(people, dtype=str)[rows], np.arange(-most, most + 1)
    # Fewer frames than this would be fitted by any labels.
    of_people = [own for name in np.unique(owners) if len(own := rows[owners == name]) > 1 + targets.shape[1]]
    if not of_people:
        return None
    errors = np.array([[_unexplained(outputs[own], targets[own + lag]) for lag in lags] for own in of_people])
    return Lagged(lags, errors, sum(map(len, of_people)))


def _on_a_plane(spec: Spec, values: NDArray[Any]) -> NDArray[np.float64]:
    """Directions in degrees to the side and up; else as they are."""
    return sideways_and_up(values, spec.unit) if spec.kind == "angle" else np.asarray(values, np.float64)


def _unexplained(outputs: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """The residual standard deviation of outputs (n, d) about a linear function of labels (n, e), over all d.

    The outputs are the same for every lag, so no lag explains more of them than the right one, however the labels spread in the
    frames it reaches; a mean error would also fall where people look to where a model errs anyhow.
    """
    outputs, labels = _varying(outputs), _varying(labels)
    fitted, _, rank, _ = np.linalg.lstsq(labels, outputs, rcond=None)
    return float(np.sqrt(np.square(outputs - labels @ fitted).sum() / (len(outputs) - 1 - rank)))


def _varying(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without their mean; 0 where that is all there is."""
    rest = values - values.mean(axis=0)
    return np.where(np.linalg.norm(rest, axis=0) > SAME * np.linalg.norm(values, axis=0), rest, 0.0)


def _runs(people: Sequence[str], sessions: Sequence[str]) -> list[NDArray[np.int64]]:
    """Rows of one person's session that follow one another."""
    if not len(people):
        return []
    names = list(zip(people, sessions, strict=True))
    starts = [k for k in range(len(names)) if not k or names[k] != names[k - 1]]
    return [np.arange(a, b) for a, b in zip(starts, [*starts[1:], len(names)], strict=True)]
