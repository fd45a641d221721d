"""Scores of the targets beside the main one: each in its own unit, over people, beside the mean, teacher beside student."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.data.contract import Recording, Spec, participants_of, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.learned import trivial_outputs
from xgaze.evaluation.score import compare, summarise

MEAN = "mean"
POINT = "point"


def scores_beside(recording: Recording, outputs: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """A row {name, kind, unit, mean, teacher, student, worse_percent} for each target beside the main one; outputs: of all test
    samples (n, outputs), by model. mean: the score of always saying the training people's mean. Without a student its figures are
    None, and so is a loss in percent of an error of 0."""
    spec, test = recording.spec, rows_of(recording, "test")
    truth, people = targets_of(recording, test), participants_of(recording, test)
    known = targets_of(recording, rows_of(recording, "train"))
    rows = []
    for one, where, alone in spec.apart():
        each = {name: outputs[name][:, where] for name in (TEACHER, STUDENT) if name in outputs}
        said = {**each, MEAN: trivial_outputs(alone, known[:, where], len(test))}
        scored = {name: summarise(alone, found, truth[:, where], people).to_json() for name, found in said.items()}
        worse = _worse(alone, each, truth[:, where], people)
        kind = POINT if one.kind == "gaze" else one.kind
        rows.append(
            {"name": one.name, "kind": kind, "unit": alone.measured, STUDENT: None, **scored, "worse_percent": worse}
        )
    return rows


def _worse(
    spec: Spec, each: Mapping[str, NDArray[Any]], truth: NDArray[Any], people: NDArray[Any]
) -> dict[str, Any] | None:
    """How much worse the student is than the teacher, paired over people."""
    if STUDENT not in each:
        return None
    try:
        return vars(compare(spec, each[STUDENT], each[TEACHER], truth, people))
    except InputError:  # the teacher makes no error
        return None
