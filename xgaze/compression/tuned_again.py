"""The chosen student, and what it is measured against, tuned again with other seeds: does what is said of it hang on one draw?"""

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from xgaze.artifacts import CONTROL, STUDENT
from xgaze.calibration.once_known import known_people
from xgaze.compression.search.exploration import Say, Search, tell_diverged
from xgaze.compression.search.trial import Result, Trial
from xgaze.data.contract import Recording, participants_of, rows_of, targets_of
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.intervals.seeds import over_seeds
from xgaze.evaluation.score import compare
from xgaze.recipe import Distill

Worse = Callable[[NDArray[Any], NDArray[Any]], Interval]
"""(outputs of a student, of a reference) -> how much worse the student is."""


AGAIN = ", again "


def tune_again(search: Search, chosen: Trial, say: Say) -> dict[str, Result]:
    """With as many seeds in all as the recipe asks for: "student, again 1" and so on, and of the control the same, where it and
    not the teacher, who has its weights once for all, is the reference. Those that diverge are left out."""
    seeds = range(search.bench.recipe.seed + 1, search.bench.recipe.seed + search.bench.recipe.distill.seeds)
    control = search.controls.get(search.judge.name)
    wanted = {STUDENT: chosen} if control is None else {STUDENT: chosen, CONTROL: control.trial}
    trials = {f"{name}{AGAIN}{seed}": one.again(seed=seed) for name, one in wanted.items() for seed in seeds}
    ended = search.run(list(trials.values())) if trials else []
    tell_diverged(ended, lambda told: say(f"With another seed,{told.removeprefix(' ')}"))
    return {name: one for name, one in zip(trials, ended, strict=True) if isinstance(one, Result)}


def told_over_seeds(
    recording: Recording, outputs: Mapping[str, NDArray[Any]], reference: str, wanted: Distill
) -> dict[str, Any] | None:
    """Every student against every reference on test participants, those of the first seed among them; None where no student was
    tuned again.

    outputs: of all of them, by the names of `tune_again` too. "held": whether the budget holds by the upper end over people and
    seeds."""
    students, references = (
        [one for key, one in outputs.items() if key == name or key.startswith(f"{name}{AGAIN}")]
        for name in (STUDENT, reference)
    )
    if len(students) < 2:
        return None
    worse = _worse_of(recording, wanted.after_calibration)
    people = len(set(participants_of(recording, rows_of(recording, "test")).tolist()))
    found = over_seeds([[worse(ours, theirs) for theirs in references] for ours in students], people)
    return {
        "students": len(students),
        "references": len(references),
        "difference_percent": vars(found.worse),
        "student_spread": found.student_spread,
        "reference_spread": found.reference_spread,
        "held": bool(found.worse.upper <= wanted.max_worse_percent),
    }


def _worse_of(recording: Recording, after_calibration: int | None) -> Worse:
    """As the budget has it: once people are calibrated where that is asked for."""
    spec = recording.spec
    if after_calibration is not None:
        known = known_people(recording, "test", after_calibration)
        return lambda ours, theirs: compare(spec, known.outputs(ours), known.outputs(theirs), known.truth, known.people)
    test = rows_of(recording, "test")
    truth, people = targets_of(recording, test), participants_of(recording, test)
    return lambda ours, theirs: compare(spec, ours, theirs, truth, people)
