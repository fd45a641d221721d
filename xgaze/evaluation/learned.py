"""Did a model learn anything? It is held against the trivial baseline: always the mean, or always the commonest class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.score import compare, score_unit, summarise, worse_unit

NAMES = {"gaze": "mean gaze", "angle": "mean direction", "value": "mean value", "class": "majority class"}


@dataclass(frozen=True)
class Learned:
    """learned: whether the model is better than the baseline called `against`, by the upper end of `worse` where there is one,
    else by its mean. score and baseline: of both, in `unit`; worse: how much worse the model is, in `worse_unit`, None where
    the baseline makes no error."""

    learned: bool
    against: str
    unit: str
    score: float
    baseline: float
    worse: Interval | None
    worse_unit: str

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "worse": None if self.worse is None else vars(self.worse)}


def trivial_outputs(spec: Spec, known: NDArray[Any], count: int) -> NDArray[Any]:
    """(count, outputs): the same for everybody, from the targets known in training. Their mean; for classes their shares, as log
    probabilities."""
    if spec.kind != "class":
        return np.tile(known.mean(axis=0), (count, 1))
    shares = np.bincount(known, minlength=len(spec.classes)) / len(known)
    return np.tile(np.log(shares + 1e-12), (count, 1))


def learned_of(
    spec: Spec, outputs: NDArray[Any], known: NDArray[Any], truth: NDArray[Any], participants: NDArray[Any]
) -> Learned:
    """Of a model's outputs (n, outputs) on samples with this truth; `known` are the targets of training."""
    guess = trivial_outputs(spec, known, len(outputs))
    score, baseline = (summarise(spec, one, truth, participants).mean for one in (outputs, guess))
    try:
        worse = compare(spec, outputs, guess, truth, participants)
    except InputError:  # the baseline makes no error: nothing can be better
        worse = None
    better = worse is not None and (worse.mean if worse.high is None else worse.high) < 0
    return Learned(better, NAMES[spec.kind], score_unit(spec), score, baseline, worse, worse_unit(spec))
