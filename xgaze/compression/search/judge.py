"""Who judges students: validation participants, against the better of the teacher and its controls."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from xgaze.calibration.once_known import OnceKnown, known_people
from xgaze.data.contract import Recording, Spec, participants_of, rows_of, targets_of
from xgaze.evaluation.intervals.confirmation import confirmed_below, people_to_confirm
from xgaze.evaluation.intervals.participants import Interval, participant_means
from xgaze.evaluation.score import compare, higher_is_better, own_spread, pooled_score, worse_unit
from xgaze.recorded_targets import BY_TEACHER


@dataclass(frozen=True)
class Judge:
    """Validation participants: truth, and what is judged of the reference called `name` that "worse" is measured against.
    further: how many test participants are to confirm what is said of these; 0 where nobody is. known: where people are
    calibrated before they are asked; truth and participants are then those of the frames that are asked."""

    spec: Spec
    truth: NDArray[Any]
    participants: NDArray[Any]
    reference: NDArray[Any]
    name: str
    further: int = 0
    known: OnceKnown | None = None

    def seen(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Of what a model puts out, that which is judged: all of it, or what it says once people are calibrated."""
        return outputs if self.known is None else self.known.outputs(outputs)

    def score(self, outputs: NDArray[Any]) -> float:
        """The score that `worse` compares: every participant counts the same."""
        return pooled_score(self.spec, self.seen(outputs), self.truth, self.participants)

    @property
    def unit(self) -> str:
        """Of how much worse, see `worse_unit`."""
        return worse_unit(self.spec)

    @property
    def spread(self) -> float | None:
        """Of what a teacher says of one person, in its unit, where losses are in percent of that; else None."""
        if self.spec.truth != BY_TEACHER:
            return None
        return float(participant_means(own_spread(self.spec, self.truth, self.participants), self.participants).mean())

    def better(self, outputs: Mapping[str, NDArray[Any]]) -> str:
        """Name of the outputs that score best."""
        pick = max if higher_is_better(self.spec) else min
        return pick(outputs, key=lambda name: self.score(outputs[name]))

    def against(self, name: str, outputs: Mapping[str, NDArray[Any]]) -> "Judge":
        """The same judge with another reference."""
        return replace(self, reference=self.seen(outputs[name]), name=name)

    def against_best(self, outputs: Mapping[str, NDArray[Any]]) -> "Judge":
        """Against the best of several, so that no student wins by tuning alone."""
        return self.against(self.better(outputs), outputs)

    def worse_percent(self, outputs: NDArray[Any]) -> Interval:
        """How much worse than the reference, in `unit`; without ends where too few participants validate."""
        return compare(self.spec, self.seen(outputs), self.reference, self.truth, self.participants)

    def least_told(self, outputs: NDArray[Any], others: NDArray[Any]) -> float | None:
        """Half of the interval of the difference of two models, in `unit`: what is less cannot be told, of these or of models
        that differ as much. None where too few participants validate."""
        worse = compare(self.spec, self.seen(outputs), self.seen(others), self.truth, self.participants)
        return None if worse.high is None or worse.low is None else (worse.high - worse.low) / 2

    def people_to_confirm(self, least: float, allowed: float) -> int | None:
        """How many of these people it takes, with new ones in proportion, until a student that differs as `least_told` says and
        is as good as the reference is safely within the budget; None where these are enough, or nobody is to confirm."""
        people = len(set(self.participants.tolist()))
        if not (self.further and allowed > 0):
            return None
        needed = people_to_confirm(least, people, self.further, allowed)
        return needed if needed > people else None

    def bound(self, worse: Interval) -> float:
        """By how much a student found so much worse is, at most: the upper end that test participants stay below nine times in
        ten, or its own where nobody is to confirm it. Infinite where there is none."""
        if not self.further:
            return worse.upper
        return confirmed_below(worse, len(set(self.participants.tolist())), self.further)


def open_judge(recording: Recording, reference: NDArray[Any], name: str, after_calibration: int | None) -> Judge:
    """Validation participants, each calibrated by so many points where that is asked for; reference: outputs of the model called
    `name`. Raises InputError where they cannot be."""
    rows = rows_of(recording, "validation")
    truth, people = targets_of(recording, rows), participants_of(recording, rows)
    tested = len(set(participants_of(recording, rows_of(recording, "test")).tolist()))
    if after_calibration is None:
        return Judge(recording.spec, truth, people, reference, name, tested)
    known = known_people(recording, "validation", after_calibration)
    seen = known.outputs(reference)
    return Judge(recording.spec, known.truth, known.people, seen, name, tested, known)
