"""What `xgaze distill` says: signs in words, what the teacher gave, and when an interval says little."""

import pytest

from xgaze.artifacts import ModelCard
from xgaze.cli.words.distilled import (
    change_in_words,
    few_participants,
    in_words,
    labels_only_in_words,
    macro_f1_in_words,
)

ERROR = {"unit": "px", "mean": 20.0, "median": 18.0, "low": 19.0, "high": 21.0}
LATENCY = {"median": 3.2, "p95": 3.6}


@pytest.fixture
def figures():
    """A student that holds its budget, from a command that would print it."""
    interval = {"mean": 0.7, "low": -0.8, "high": 1.9}
    int8 = {
        "bytes": 216_000,
        "worse_than_reference_percent": interval,
        "latency_ms": LATENCY,
        "form": "all",
        "note": "",
    }
    size = {"fc_parameters": 5954, "parameters": 193_426, "bytes": 780_000, "onnx_parity": 9e-8}
    return {
        "teacher": {"error": ERROR, "latency_ms": LATENCY},
        "student": {**size, "error": ERROR, "latency_ms": LATENCY, "int8": int8},
        "control": {"error": ERROR},
        "reference": "control",
        "difference_percent": interval,
        "control_difference_from_teacher_percent": {"mean": -0.6},
        "budget_percent": 2.0,
        "budget_met": True,
        "held_on_validation": True,
        "fc_reduction": 133.5,
        "parameter_reduction": 5.9,
        "reason": "the smallest whose upper bound is at most 2 %",
        "labels_only": None,
        "macro_f1": None,
        "int8_file_reduction": 21.0,
        "test_participants": 160,
        "model_dir": "checkpoints/toy/student",
    }


@pytest.fixture
def card():
    return ModelCard("student", {}, {"rendered": False}, {}, "hash", 0)


@pytest.mark.parametrize(
    ("percent", "words"),
    [(1.24, "1.2 % worse"), (-0.61, "0.6 % better"), (0.0, "0.0 % better"), (12.0, "12.0 % worse")],
)
def test_a_positive_change_is_worse_and_a_negative_one_better(percent, words):
    assert change_in_words(percent) == words


def test_what_the_teachers_lessons_gave_is_told_only_where_it_taught():
    assert labels_only_in_words(None) == []
    beside = {"worse_than_student_percent": {"mean": 3.2, "low": 1.0, "high": 5.4}}
    assert labels_only_in_words(beside) == [
        "  The same student from labels alone: 3.2 % worse than this one [+1.0, +5.4]."
    ]


def test_macro_f1_is_told_for_classes_only():
    assert macro_f1_in_words(None) == []
    ends = {
        "worse_points": {"mean": -0.8, "low": -5.9, "high": 3.9},
        "worse_than_teacher_points": {"mean": -3.7, "low": -9.4, "high": 1.3},
    }
    assert macro_f1_in_words({"student": 0.293, "reference": 0.291, "teacher": 0.282, **ends}) == [
        "  Macro F1 0.293 against 0.291: -0.8 points worse [-5.9, +3.9]; against the untuned teacher's 0.282: -3.7 points "
        "[-9.4, +1.3]."
    ]


def test_the_radius_of_a_frame_is_told_where_so_many_people_promise_one(figures, card):
    row = {"level_percent": 90.0, "radius": 61.23, "coverage_percent": {"mean": 88.1, "low": 80.0, "high": 95.0}}
    found = {"unit": "px", "validation": 18, "test": 20, "rows": [{**row, "level_percent": 50.0, "radius": 9.0}, row]}
    told = "\n".join(in_words({**figures, "frame_radii": found}, card, "xgaze explain"))
    assert (
        "90 % of the frames of new people should lie within 61.2 px of the student's prediction, as 18 validation people "
        "promise; of the frames of the 20 test people 88.1 % do (95 % interval over people: 80.0 to 95.0)."
    ) in told
    found["rows"][1]["radius"] = None
    assert "should lie within" not in "\n".join(in_words({**figures, "frame_radii": found}, card, "xgaze explain"))


@pytest.mark.parametrize(("count", "warned"), [(1, True), (7, True), (8, False), (160, False)])
def test_fewer_than_eight_test_participants_are_a_warning(count, warned, figures, card):
    words = "\n".join(in_words({**figures, "test_participants": count}, card, "xgaze explain"))
    expected = f"Warning: only {count} test participants; with fewer than 8 the interval says little."
    assert (expected in words) == warned == bool(few_participants(count, "participants"))


def test_the_result_names_reference_interval_budget_and_the_next_command(figures, card):
    words = "\n".join(in_words(figures, card, "xgaze explain --samples 3"))
    assert (
        "Worse than the teacher given the same extra tuning: +0.7 % [-0.8, +1.9], 95 % interval over participants"
        in words
    )
    assert "Budget of 2 %: held by the upper bound." in words and "Warning" not in words
    assert "the same extra tuning makes it 0.6 % better" in words and "labels alone" not in words
    assert words.endswith("Lies in: checkpoints/toy/student\nNext:    xgaze explain --samples 3")


def test_a_control_that_diverged_is_said_to_be_the_untuned_teacher(figures, card):
    told = "\n".join(in_words({**figures, "control": {"error": ERROR, "fault": "diverged"}}, card, "xgaze explain"))
    assert "given the same extra tuning it diverged, so that the student is compared with the untuned teacher." in told
    assert "the same extra tuning makes it" not in told


def test_a_budget_that_is_missed_says_why_this_student(figures, card):
    missed = {
        **figures,
        "budget_met": False,
        "held_on_validation": False,
        "reason": "no upper bound is at most 2 %; the nearest",
    }
    words = "\n".join(in_words(missed, card, "xgaze explain"))
    assert "Budget of 2 %: NOT held by the upper bound." in words
    assert "  On validation participants: no upper bound is at most 2 %; the nearest." in words


def test_a_classifier_loses_points_and_an_interval_that_is_not_there_is_said_to_be_not_defined(figures, card):
    nothing = {"mean": 1.5, "low": None, "high": None}
    error = {"unit": "AUC", "mean": 0.8, "median": 0.9, "low": None, "high": None}
    changes = {"worse_unit": "points", "difference_percent": nothing, "budget_met": False}
    student = {**figures["student"], "error": error}
    words = "\n".join(in_words({**figures, **changes, "student": student}, card, "xgaze explain"))
    assert (
        "+1.5 points [not defined], 95 % interval over participants. Budget of 2 points: NOT held: no upper bound is defined."
        in words
    )
    assert "Student AUC 0.800 (95 % interval over participants not defined: too few of them)." in words
    assert "the same extra tuning makes it 0.6 points better" in words


def test_without_onnx_the_reason_is_told_and_no_time(figures, card):
    student = {**figures["student"], "latency_ms": None, "int8": None, "onnx_fault": "AdaptiveMaxPool2d"}
    without = {**figures, "student": student, "latency_ratio": None, "int8_file_reduction": None}
    words = "\n".join(in_words(without, card, "xgaze explain"))
    assert "No ONNX of it (AdaptiveMaxPool2d): time and 8 bits were not measured." in words
    assert "int8" not in words and " ms" not in words


def test_without_8_bits_the_rest_is_told(figures, card):
    student = {**figures["student"], "int8": None, "int8_fault": "unknown operator", "onnx_batch": "one"}
    words = "\n".join(in_words({**figures, "student": student, "int8_file_reduction": None}, card, "xgaze explain"))
    assert "int8: not available (unknown operator)." in words
    assert "onnxruntime, 1 thread: 3.20 ms" in words and "It takes one sample at a time." in words
