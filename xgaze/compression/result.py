"""The finished student: scored on the test participants, measured, exported and written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from xgaze.artifacts import (
    BESIDE,
    CONTROL,
    LOST_FILE,
    SLICES_FILE,
    STUDENT,
    TEACHER,
    WEIGHTS_FILE,
    ModelCard,
    hashes_of,
    library_versions,
    write_card,
    write_csv,
    write_json,
    write_weights,
)
from xgaze.calibration.once_known import known_people
from xgaze.compression.export.eight_bits import write_eight_bits
from xgaze.compression.export.onnx import NoOnnx, export_checked, latency_to_json, measure_latency_ms, open_session
from xgaze.compression.export.quantise import int8_figures
from xgaze.compression.export.rounding.rounded_tuning import Ask, lessons_of
from xgaze.compression.search.budget import limits_of
from xgaze.compression.tuned_again import told_over_seeds
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, Spec, distances_of, participants_of, rows_of, targets_of
from xgaze.evaluation.classes.class_calibration import CLASS_CALIBRATION, calibration_of
from xgaze.evaluation.frame_radius import FRAME_RADII, radii_of
from xgaze.evaluation.intervals.f1_lost import macro_f1_lost
from xgaze.evaluation.intervals.lost_people import lost_people
from xgaze.evaluation.intervals.participants import ERRORS, Interval, mean_interval
from xgaze.evaluation.intervals.tails import tails_of
from xgaze.evaluation.learned import learned_of
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import compare, own_spread, sample_errors, summarise, worse_unit
from xgaze.evaluation.scores_beside import scores_beside
from xgaze.evaluation.slices import slices_of
from xgaze.models.fingerprint import OUTPUTS_OF_PATTERNS, stored_outputs, weights_hash
from xgaze.models.inference import predict, predict_each
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters, count_macs, count_parameters
from xgaze.progress import progress_bar
from xgaze.recipe import Distill, Recipe
from xgaze.recorded_targets import BY_TEACHER
from xgaze.scorings import log_scoring
from xgaze.training.distillation import Lesson

PARITY_SAMPLES = 16
LABELS_ONLY = "student from labels alone"
TABLES = ("budget.csv", "capacity.json", "predictions.csv", "control_predictions.csv", SLICES_FILE, LOST_FILE)


@dataclass(frozen=True)
class Outcome:
    """What the search found. reference: "teacher" or "control", the better on validation participants.
    held: whether the student's upper bound held the budget there; reason: why it was chosen, in words.
    labels_only: the same student taught by labels alone, where the teacher taught the student. teacher_weights: their hash.
    control: None where what the teacher puts out is the truth. command: what was typed. control_fault: why the untuned teacher
    stands in for the control, empty where it does not. again: students and controls of other seeds, see `tune_again`. lesson:
    what whole students learned from."""

    student: FeatureHead
    surgeries: list[dict[str, Any]]
    control: FeatureHead | None
    reference: str
    held: bool
    reason: str = ""
    labels_only: FeatureHead | None = None
    teacher_weights: str = ""
    command: str = ""
    control_fault: str = ""
    again: Mapping[str, FeatureHead] = field(default_factory=dict)
    lesson: Lesson | None = None


def write_student(
    recipe: Recipe, recording: Recording, teacher: FeatureHead, teacher_card: ModelCard, outcome: Outcome, folder: Path
) -> ModelCard:
    """Score, measure, export and write; the card comes last, so that an interrupted folder is unfinished."""
    every = {TEACHER: teacher, CONTROL: outcome.control, STUDENT: outcome.student, LABELS_ONLY: outcome.labels_only}
    models = {name: one for name, one in every.items() if one is not None}
    write_weights(folder / WEIGHTS_FILE, outcome.student.state_dict())
    if recording.spec.truth == BY_TEACHER:
        scored = score_against_teacher(recording, {STUDENT: outcome.student, **outcome.again}, recipe.distill, folder)
    else:
        scored = score_on_test(recording, models, outcome.reference, folder, recipe.distill, outcome.again)
    measured = {
        TEACHER: measure(teacher, recording, folder.parent / TEACHER),
        STUDENT: measure(outcome.student, recording, folder),
    }
    quick = recipe.distill.effort == "quick"  # which tunes nothing from end to end
    ask = None if quick else partial(lessons_of, recipe, recording, outcome.student, teacher, outcome.lesson)
    measured[STUDENT] |= measure_int8(recording, folder, scored["outputs"][outcome.reference], ask)
    card = ModelCard(
        role=STUDENT,
        architecture=teacher_card.architecture,
        spec=teacher_card.spec,
        recipe=recipe.model_dump(mode="json"),
        recipe_hash=recipe.student_hash(),
        seed=recipe.seed,
        surgeries=outcome.surgeries,
        metrics={
            **gather_metrics(scored, measured, outcome, recipe.distill.max_worse_percent),
            "limits": limits_of(recipe.distill),
            **weights_hash(outcome.student, folder / WEIGHTS_FILE),
            OUTPUTS_OF_PATTERNS: stored_outputs(outcome.student, recording.spec),
            **hashes_of(folder, [name for name in TABLES if (folder / name).is_file()]),
        },
        versions=library_versions(),
        command=outcome.command,
    )
    log_scoring(folder.parent, STUDENT, outcome.command)
    write_card(folder, card)
    return card


def score_on_test(
    recording: Recording,
    models: dict[str, FeatureHead],
    reference: str,
    folder: Path,
    wanted: Distill,
    again: Mapping[str, FeatureHead],
) -> dict[str, Any]:
    """Errors of every model, and paired differences in percent, once people are calibrated where that is asked for. again: those
    of other seeds. Writes predictions.csv, control_predictions.csv, slices.json and lost.json."""
    spec, test = recording.spec, rows_of(recording, "test")
    truth, people = targets_of(recording, test), participants_of(recording, test)
    far = distances_of(recording, test)
    with progress_bar(f"scoring {', '.join(models)}") as advance:
        every = predict_each({**models, **again}, recording, test, advance=advance)
    outputs = {name: every[name] for name in models}
    write_csv(folder / "predictions.csv", prediction_table(recording, test, outputs[STUDENT]))
    write_csv(folder / "control_predictions.csv", prediction_table(recording, test, outputs[CONTROL]))
    plain = _differences(spec, outputs, reference, truth, people)
    both = {name: outputs[name] for name in (TEACHER, STUDENT)}
    write_json(folder / SLICES_FILE, {"slices": slices_of(recording, test, both)})
    write_lost(folder / LOST_FILE, spec, both, truth, people)
    validation = predict(models[STUDENT], recording, rows_of(recording, "validation"))
    return {
        FRAME_RADII: radii_of(recording, validation, outputs[STUDENT]),
        CLASS_CALIBRATION: calibration_of(recording, outputs[STUDENT]),
        "error": {name: summarise(spec, one, truth, people, far).to_json() for name, one in outputs.items()},
        **plain,
        **_once_calibrated(recording, outputs, reference, plain["difference"], wanted.after_calibration),
        "over_seeds": told_over_seeds(recording, every, reference, wanted),
        "macro_f1": _macro_f1(spec, outputs, reference, truth, people),
        "labels_only": _beside(spec, outputs, truth, people, far),
        BESIDE: scores_beside(recording, {TEACHER: outputs[TEACHER], STUDENT: outputs[STUDENT]}),
        "outputs": outputs,
        "worse_unit": worse_unit(spec),
        "guessing": {name: _learned(recording, outputs[name], truth, people) for name in (TEACHER, CONTROL)},
        "participants": len(set(people)),
    }


def write_lost(
    file: Path, spec: Spec, outputs: dict[str, NDArray[Any]], truth: NDArray[Any], people: NDArray[Any]
) -> None:
    """Of everything but classes, whose samples are right or wrong."""
    if spec.kind != "class":
        errors = {model: sample_errors(spec, one, truth) for model, one in outputs.items()}
        write_json(file, {"tails": tails_of(errors, people), "people": lost_people(errors, people)})


def score_against_teacher(
    recording: Recording, students: dict[str, FeatureHead], wanted: Distill, folder: Path
) -> dict[str, Any]:
    """What `score_on_test` says, of a recording whose truth is what the teacher puts out: how far the student is from it, and the
    spread beside which that is told. Nothing of who is right. Writes predictions.csv."""
    spec, test = recording.spec, rows_of(recording, "test")
    truth, people = targets_of(recording, test), participants_of(recording, test)
    far = distances_of(recording, test)
    with progress_bar(f"comparing {STUDENT} and {TEACHER}") as advance:
        outputs = {TEACHER: truth, **predict_each(students, recording, test, advance=advance)}
    write_csv(folder / "predictions.csv", prediction_table(recording, test, outputs[STUDENT]))
    worse = compare(spec, outputs[STUDENT], truth, truth, people)
    spread = mean_interval(own_spread(spec, truth, people), people, within=ERRORS)
    left_out = (
        *(FRAME_RADII, CLASS_CALIBRATION, "control_against_teacher"),
        *("after_calibration", "macro_f1", "labels_only", "guessing"),
    )
    return {
        **dict.fromkeys(left_out),
        "error": {name: summarise(spec, outputs[name], truth, people, far).to_json() for name in (TEACHER, STUDENT)},
        "over_seeds": told_over_seeds(recording, outputs, TEACHER, wanted),
        "spread": {"unit": spec.measured, **vars(spread)},
        "difference": worse,
        "against_teacher": worse,
        "outputs": outputs,
        "worse_unit": worse_unit(spec),
        "participants": len(set(people)),
    }


def _differences(
    spec: Spec, outputs: dict[str, NDArray[Any]], reference: str, truth: NDArray[Any], people: NDArray[Any]
) -> dict[str, Any]:
    pairs = {
        "difference": (STUDENT, reference),
        "against_teacher": (STUDENT, TEACHER),
        "control_against_teacher": (CONTROL, TEACHER),
    }
    return {name: compare(spec, outputs[a], outputs[b], truth, people) for name, (a, b) in pairs.items()}


def _once_calibrated(
    recording: Recording, outputs: dict[str, NDArray[Any]], reference: str, plain: Interval, points: int | None
) -> dict[str, Any]:
    """The difference that the budget is about, and errors, once people are calibrated, where that is asked for. plain: as long as
    they are not."""
    if points is None:
        return {"after_calibration": None}
    spec, known = recording.spec, known_people(recording, "test", points)
    seen = {name: known.outputs(one) for name, one in outputs.items()}
    error = {name: summarise(spec, one, known.truth, known.people).to_json() for name, one in seen.items()}
    told = {"points": points, "error": error, "uncalibrated_percent": vars(plain)}
    worse = compare(spec, seen[STUDENT], seen[reference], known.truth, known.people)
    return {"difference": worse, "after_calibration": told}


def _learned(recording: Recording, outputs: NDArray[Any], truth: NDArray[Any], people: NDArray[Any]) -> dict[str, Any]:
    known = targets_of(recording, rows_of(recording, "train"))
    return learned_of(recording.spec, outputs, known, truth, people).to_json()


def _macro_f1(
    spec: Spec, outputs: dict[str, NDArray[np.float32]], reference: str, truth: NDArray[Any], people: NDArray[Any]
) -> dict[str, Any] | None:
    """Of student and reference, and how much worse the student is than it, and than the teacher; None without classes."""
    lost = macro_f1_lost(spec, outputs[STUDENT], outputs[reference], truth, people)
    whole = macro_f1_lost(spec, outputs[STUDENT], outputs[TEACHER], truth, people)
    if lost is None or whole is None:
        return None
    points = {"worse_points": lost["worse_points"], "worse_than_teacher_points": whole["worse_points"]}
    return {**lost, TEACHER: whole["reference"], **{key: vars(one) for key, one in points.items()}}


def _beside(
    spec: Spec,
    outputs: dict[str, NDArray[np.float32]],
    truth: NDArray[Any],
    people: NDArray[Any],
    far: NDArray[np.float64] | None,
) -> dict[str, Any] | None:
    """The same student without the teacher's lessons, and how much worse that made it."""
    if LABELS_ONLY not in outputs:
        return None
    worse = compare(spec, outputs[LABELS_ONLY], outputs[STUDENT], truth, people)
    return {
        "error": summarise(spec, outputs[LABELS_ONLY], truth, people, far).to_json(),
        "worse_than_student_percent": vars(worse),
    }


def measure(model: FeatureHead, recording: Recording, folder: Path) -> dict[str, Any]:
    """Sizes of a model whose weights lie in `folder`; exports model.onnx there and measures its parity and latency, which are
    None where there is no ONNX of the model: `onnx_fault` says why."""
    batch = next(iter(ordered_batches(recording, rows_of(recording, "test")[:PARITY_SAMPLES], PARITY_SAMPLES)))
    return {
        "parameters": count_parameters(model),
        "fc_parameters": count_fc_parameters(model),
        "macs": count_macs(model, recording.spec),
        "bytes": (folder / WEIGHTS_FILE).stat().st_size,
        **measure_onnx(model, recording.spec, folder / "model.onnx", batch.inputs),
    }


def measure_onnx(model: FeatureHead, spec: Spec, file: Path, inputs: Sequence[Tensor]) -> dict[str, Any]:
    """Figures of the file exported, or None and why there is none."""
    try:
        exported = export_checked(model, spec, file, inputs)
    except NoOnnx as fault:
        return {**dict.fromkeys(("latency_ms", "onnx_bytes", "onnx_parity", "onnx_batch")), "onnx_fault": str(fault)}
    return {
        "latency_ms": latency_to_json(measure_latency_ms(open_session(file), inputs)),
        "onnx_bytes": file.stat().st_size,
        "onnx_parity": exported.parity,
        "onnx_batch": exported.batch,
        "onnx_fault": None,
    }


def measure_int8(
    recording: Recording, folder: Path, reference: NDArray[np.float32], ask: Ask | None = None
) -> dict[str, Any]:
    """The student in 8 bits, see `write_eight_bits`: size, error, latency, and how much worse than the reference. `int8` is None
    where there is no such file, and `int8_fault` says why: a student is never lost by it."""
    source, target = folder / "model.onnx", folder / "model.int8.onnx"
    test = rows_of(recording, "test")
    target.unlink(missing_ok=True)
    if not source.is_file():
        return {"int8": None, "int8_fault": "there is no ONNX file"}
    try:
        form = write_eight_bits(source, recording, target, ask)
        report = int8_figures(source, target, recording, test, reference)
    except (OSError, MemoryError):  # no fault of the model's
        raise
    except Exception as error:  # onnxruntime raises what it likes at operators that it does not know
        target.unlink(missing_ok=True)
        return {"int8": None, "int8_fault": (str(error).splitlines() or [type(error).__name__])[0]}
    return {"int8": {**report.to_json(), **form.to_json()}, "int8_fault": None}


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    """None where either was not measured."""
    return None if numerator is None or denominator is None else numerator / denominator


def _median(measured: dict[str, Any]) -> float | None:
    return measured["latency_ms"] and float(measured["latency_ms"]["median"])


def gather_metrics(
    scored: dict[str, Any], measured: dict[str, Any], outcome: Outcome, budget_percent: float
) -> dict[str, Any]:
    """The figures of `xgaze distill --json`, less names and paths. Keys in `_percent` hold "worse_unit": percent of an error, or
    for classes percentage points; where the teacher says what is true "truth" is "teacher", "error" disagreement with it, and
    they hold percent of "spread". No budget is met against a reference that learned nothing."""
    teacher, student = measured[TEACHER], measured[STUDENT]
    difference, guessing = scored["difference"], scored["guessing"]
    learned = None if guessing is None else bool(guessing[outcome.reference]["learned"])
    control, beside = scored["error"].get(CONTROL), scored["control_against_teacher"]
    return {
        **({"truth": BY_TEACHER, "spread": scored["spread"]} if "spread" in scored else {}),
        TEACHER: {**teacher, "error": scored["error"][TEACHER]},
        CONTROL: control and {"error": control, "fault": outcome.control_fault or None},
        STUDENT: {**student, "error": scored["error"][STUDENT]},
        "reference": outcome.reference,
        "worse_unit": scored["worse_unit"],
        "difference_percent": vars(difference),
        "difference_from_teacher_percent": vars(scored["against_teacher"]),
        "control_difference_from_teacher_percent": beside and vars(beside),
        "budget_percent": budget_percent,
        "after_calibration": scored.get("after_calibration"),
        "over_seeds": scored.get("over_seeds"),
        "learned": learned,
        "against_guessing": guessing,
        "budget_met": bool(difference.upper <= budget_percent) and learned is not False,
        "held_on_validation": outcome.held,
        "teacher_weights": outcome.teacher_weights,
        "reason": outcome.reason,
        "macro_f1": scored["macro_f1"],
        FRAME_RADII: scored[FRAME_RADII],
        CLASS_CALIBRATION: scored[CLASS_CALIBRATION],
        "labels_only": scored["labels_only"],
        **({BESIDE: scored[BESIDE]} if scored.get(BESIDE) else {}),
        "test_participants": scored["participants"],
        "int8_file_reduction": ratio(teacher["onnx_bytes"], student["int8"] and student["int8"]["bytes"]),
        "fc_reduction": teacher["fc_parameters"] / student["fc_parameters"],
        "parameter_reduction": teacher["parameters"] / student["parameters"],
        "latency_ratio": ratio(_median(teacher), _median(student)),
    }
