"""Who judges students: validation participants, against the better of the teacher and its controls."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation.intervals.confirmation import confirmed_below
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.score import compare, higher_is_better, pooled_score, worse_unit


@dataclass(frozen=True)
class Judge:
    """Validation participants: truth, and the outputs of the reference called `name` that "worse" is measured against. further:
    how many test participants are to confirm what is said of these; 0 where nobody is."""

    spec: Spec
    truth: NDArray[Any]
    participants: NDArray[Any]
    reference: NDArray[Any]
    name: str
    further: int = 0

    def score(self, outputs: NDArray[Any]) -> float:
        """The score that `worse` compares: every participant counts the same."""
        return pooled_score(self.spec, outputs, self.truth, self.participants)

    @property
    def unit(self) -> str:
        """Of how much worse: "%" of the reference's error, or "points" of classes' score."""
        return worse_unit(self.spec)

    def better(self, outputs: Mapping[str, NDArray[Any]]) -> str:
        """Name of the outputs that score best."""
        pick = max if higher_is_better(self.spec) else min
        return pick(outputs, key=lambda name: self.score(outputs[name]))

    def against(self, name: str, outputs: Mapping[str, NDArray[Any]]) -> "Judge":
        """The same judge with another reference."""
        return replace(self, reference=outputs[name], name=name)

    def against_best(self, outputs: Mapping[str, NDArray[Any]]) -> "Judge":
        """Against the best of several, so that no student wins by tuning alone."""
        return self.against(self.better(outputs), outputs)

    def worse_percent(self, outputs: NDArray[Any]) -> Interval:
        """How much worse than the reference, in `unit`; without ends where too few participants validate."""
        return compare(self.spec, outputs, self.reference, self.truth, self.participants)

    def bound(self, worse: Interval) -> float:
        """By how much a student found so much worse is, at most: the upper end that test participants stay below nine times in
        ten, or its own where nobody is to confirm it. Infinite where there is none."""
        if not self.further:
            return worse.upper
        return confirmed_below(worse, len(set(self.participants.tolist())), self.further)
