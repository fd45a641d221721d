"""How good teacher and student are once they know the person, and a person's own map."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xgaze.api.distilling import run_again
from xgaze.api.explained_run import finished_pair
from xgaze.api.outcomes import Distilled, Figure, Teacher, Told
from xgaze.api.runs import Run, opened, python_words, recipe_faults_first
from xgaze.artifacts import TEACHER, WEIGHTS_FILE, file_hash, write_json
from xgaze.calibration.gain import Calibrated, Seen, calibrate_people, chosen_strength, head_directions
from xgaze.calibration.maps import (
    HOWS,
    ON_OUTPUTS,
    PERSONAL,
    HeadDirections,
    PersonalMap,
    Scale,
    fit_weights,
    require_one_person,
    terms,
)
from xgaze.calibration.plane import Plane
from xgaze.calibration.points import fewest_points
from xgaze.calibration.seen import outputs_and_head, see
from xgaze.compression.reproduction import require_predictions
from xgaze.compression.student import load_model, trained_on
from xgaze.data.contract import Recording, Spec, participants_of, rows_of, targets_of
from xgaze.data.open import open_for_prediction
from xgaze.data.teacher_truth import require_labels
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval, difference_percent
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe
from xgaze.report.remedies import CALIBRATE
from xgaze.report.sections.once_calibrated import CALIBRATION_FILE, Calibrations, flat
from xgaze.scorings import log_scoring
from xgaze.stored import read_mapping
from xgaze.units import digits_of
from xgaze.writing import one_writer

POINTS = (1, 3, 5, 9, 13)
TIMES = 5
"""Drawings of calibration points per person, of which each counts the same."""
Both = dict[str, tuple[Seen, Seen]]
"""Role -> validation and test people."""


@dataclass(frozen=True, repr=False)
class Calibration(Told):
    """Error against the number of calibration points; `rows_found` has one dict per model and number, with Intervals."""

    run: Run
    how: str
    groups: str
    rows_found: list[dict[str, Any]]

    def title(self) -> str:
        return f"Calibration of '{self.run.recipe.name}' ({self.how}), on frames at other points"

    def rows(self) -> list[tuple[str, str]]:
        return [(f"{one['model']}, {_count(one['points'])}", self._told(one)) for one in self.rows_found]

    def _told(self, one: dict[str, Any]) -> str:
        before, after = (Figure(**vars(one[key]), unit=one["unit"], over=self.groups) for key in ("before", "after"))
        gain = Figure(**vars(one["gain_percent"]), unit="%", over=self.groups, signed=True)
        first = f"{before.mean:.{digits_of(one['unit'])}f}"
        return f"{first} -> {after}, gain {gain}; better for {one['people_helped']} of {one['people']}"

    def table(self) -> pd.DataFrame:
        """One line per model and number of points; intervals as three columns."""
        return pd.DataFrame(self.flat())

    def flat(self) -> list[dict[str, Any]]:
        """The rows of the table; a figure that a model has not is left out."""
        return flat([_stored(one) for one in self.rows_found])


def _count(points: int) -> str:
    return f"{points} point{'s' * (points != 1)}"


def calibrate(
    made: Distilled | Teacher | Recipe | str, data: Any = None, *, points: Sequence[int] = (), how: str = "affine"
) -> Calibration:
    """Error of teacher and student on test people once each person's map was fitted on `points` frames at other target points.

    made: what `xgaze.distill` or `xgaze.train_teacher` returned, or a recipe. points: numbers of calibration points; without any,
    those of 1, 3, 5, 9, 13 that all people have. how: "affine" and "poly2" of the prediction, "ridge" and "svr" on six directions
    of the head; how strongly they are drawn to no change is chosen on validation people. Raises InputError.
    """
    with python_words():
        return calibrate_run(run_again(made, data), points, how)


def calibrate_run(run: Run, points: Sequence[int], how: str) -> Calibration:
    """The same of a run; the figures are kept for its report, and the scoring of test people is counted."""
    with recipe_faults_first(run):
        roles = finished_pair(run)
    _before(run)  # which is refused, where it is damaged, before anything is computed
    recording = recording_to_calibrate(run)
    asked = numbers_of_points(recording, points, how)
    both = _both(run, recording, roles, max(asked))
    found = {role: [_calibrated(*both[role], how, k) for k in asked] for role in both}
    rows = [_row(role, k, found) for role in found for k in range(len(asked))]
    made = Calibration(run, how, recording.spec.groups, rows)
    with one_writer(run.folder):
        log_scoring(run.folder, f"calibration of {' and '.join(found)}", run.command)
        _keep(run, made)
    return made


def _keep(run: Run, made: Calibration) -> None:
    """Beside the run's models, for its page; other maps of the same models stay."""
    file, models = run.folder / CALIBRATION_FILE, {one["model"] for one in made.rows_found}
    hashes = {role: file_hash(run.folder / role / WEIGHTS_FILE) for role in sorted(models)}
    before = _before(run)
    others = [one for one in before.get("rows", []) if one["how"] != made.how] if before.get("models") == hashes else []
    write_json(file, {"models": hashes, "rows": [*others, *map(_stored, made.rows_found)]})


def _before(run: Run) -> dict[str, Any]:
    """What earlier calibrations left; nothing where there were none. Raises InputError."""
    file = run.folder / CALIBRATION_FILE
    return read_mapping(file, Calibrations, CALIBRATE) if file.is_file() else {}


def _stored(row: dict[str, Any]) -> dict[str, Any]:
    return {key: vars(one) if isinstance(one, Interval) else one for key, one in row.items()}


def recording_to_calibrate(run: Run) -> Recording:
    """Raises InputError for a recording of classes, or without labels."""
    recording = opened(run)
    require_labels(recording, "calibration")
    if recording.spec.kind == "class":
        moved = "calibration moves gaze points, directions and values"
        raise InputError(f"{moved}; the target of recipe '{run.recipe.name}' is a class.")
    return recording


def numbers_of_points(recording: Recording, points: Sequence[int], how: str) -> list[int]:
    """Those asked for, or of `POINTS` those that everybody has with as many left to be tested. Raises InputError."""
    if how not in HOWS:
        raise InputError(f"how: '{how}' is none of {', '.join(HOWS)}.")
    if any(one < 1 for one in points):
        raise InputError(f"points: {min(points)}; a calibration has one or more.")
    rows = np.concatenate([rows_of(recording, split) for split in ("validation", "test")])
    plane = Plane.of(recording.spec, targets_of(recording))
    fewest = fewest_points(plane.in_steps(targets_of(recording, rows)), participants_of(recording, rows).astype(str))
    return sorted(set(points)) or [one for one in POINTS if 4 * one <= 3 * fewest] or [1]


def _both(run: Run, recording: Recording, roles: list[str], most: int) -> Both:
    both: Both = {}
    for role in roles:
        model, card = load_model(run.folder / role, run.recipe.model)
        require_predictions(model, card, recording, run.folder / role)
        with progress_bar(f"looking at validation and test people ({role})") as advance:
            validation, test = (
                see(model, recording, rows_of(recording, split), most, TIMES, run.recipe.seed, advance)
                for split in ("validation", "test")
            )
        both[role] = validation, test
    return both


def _calibrated(validation: Seen, test: Seen, how: str, points: int) -> Calibrated:
    return calibrate_people(how, points, test, validation, head_directions(validation.head))


def _row(role: str, k: int, found: dict[str, list[Calibrated]]) -> dict[str, Any]:
    """The line of a model and number of points, a student's also against its teacher before and after."""
    own = found[role][k]
    row: dict[str, Any] = {"model": role, **own.figures()}
    if role != TEACHER:
        teacher = found[TEACHER][k]
        row["worse_before_percent"] = difference_percent(own.before, teacher.before, own.people)
        row["worse_after_percent"] = difference_percent(own.after, teacher.after, own.people)
    return row


def personal_map(run: Run, person: Path, how: str, role: str, file: Path) -> PersonalMap:
    """Fit a person's map on all labelled frames of the recording `person`, as strongly as suits validation people with as many
    points, and write it to `file` (JSON). Raises InputError."""
    if how not in PERSONAL:
        raise InputError(f"--how {how}: a person's file holds a map of another kind: {', '.join(PERSONAL)}.")
    folder = run.folder / role
    model, card = load_model(folder, run.recipe.model)
    one = open_for_prediction(person, Spec.from_json(card.spec), trained_on(folder, card))
    rows, name = _labelled_rows(one, person)
    recording = recording_to_calibrate(run)
    points = numbers_of_points(recording, [], how)
    near = min(points, key=lambda k: abs(k - len(rows)))
    validation = see(model, recording, rows_of(recording, "validation"), near, TIMES, run.recipe.seed)
    plane, leading = validation.plane, head_directions(validation.head)
    own = None if how in ON_OUTPUTS else HeadDirections(leading.mean_, leading.components_)
    outputs, head = outputs_and_head(model, one, rows)
    truth, said = plane.placed(targets_of(one, rows)), plane.placed(outputs)
    scale, read = Scale.of(validation.read(how, leading)), said if own is None else own(head)
    strength = chosen_strength(how, near, validation, leading, scale)
    weights = fit_weights(terms(how, read, scale), plane.residuals(truth, said), strength)
    made = PersonalMap(how, name, len(rows), scale, weights, file_hash(folder / WEIGHTS_FILE), plane, own)
    write_json(file, made.to_json())
    return made


def _labelled_rows(one: Recording, person: Path) -> tuple[np.ndarray[Any, np.dtype[np.int64]], str]:
    """Rows whose target is known, of the one person there is."""
    name = require_one_person(one, person)
    every = np.arange(len(one.table))
    known = np.isfinite(one.spec.own(targets_of(one, every))).all(axis=1)
    if not known.any():
        raise InputError(f"{person}: no frame has a label to calibrate on.")
    return every[known], name
