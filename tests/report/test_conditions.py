"""Conditions as typed: what is read, what a unit makes of a number, and what is refused with a remedy."""

import pytest

from xgaze.errors import InputError
from xgaze.report.conditions import conditions, defaults, parsed

GAZE = {"score": {"unit": "px"}, "worse_unit": None}
CLASSES = {"score": {"unit": "AUC"}, "worse_unit": "points"}


@pytest.mark.parametrize(
    ("typed", "shown", "limit"),
    [
        ("worse.high <= 2", "worse.high <= 2", 2.0),
        ("  worse.high<=2%  ", "worse.high <= 2 %", 2.0),
        ("student.bytes <= 400kB", "student.bytes <= 400 kB", 400_000.0),
        ("student.bytes < 1.5 MiB", "student.bytes < 1.5 MiB", 1.5 * 1024**2),
        ("student.bytes == 12", "student.bytes == 12", 12.0),
        ("student.parameters <= 50k", "student.parameters <= 50 k", 50_000.0),
        ("student.latency <= 500 us", "student.latency <= 500 us", 0.5),
        ("p95 <= 60 px", "p95 <= 60 px", 60.0),
        ("parity <= 1e-4", "parity <= 0.0001", 1e-4),
        ("reduction.parameters >= 20x", "reduction.parameters >= 20 x", 20.0),
        ("worse.mean > -.5", "worse.mean > -0.5", -0.5),
    ],
)
def test_what_is_typed_is_read(typed, shown, limit):
    found = parsed(typed)
    assert found.text == shown and found.limit(GAZE) == pytest.approx(limit, rel=1e-12)


@pytest.mark.parametrize(
    ("comparison", "verdicts"),
    [
        ("<=", [True, True, False]),
        ("<", [True, False, False]),
        ("==", [False, True, False]),
        (">=", [False, True, True]),
        (">", [False, False, True]),
    ],
)
def test_comparisons(comparison, verdicts):
    condition = parsed(f"worst {comparison} 2")
    assert [condition.holds(measured, GAZE) for measured in (1.0, 2.0, 3.0)] == verdicts


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("p96 <= 3", "there is no 'p96'; did you mean 'p95'"),
        ("Worse.High <= 2", "did you mean 'worse.high'"),
        ("p95", "no condition; write a name, a comparison and a number"),
        ("p95 <= ", "no condition"),
        ("p95 = 3", "no condition"),
        ("p95 <= sixty", "no condition"),
        ("p95 <= nan", "no condition"),
        ("p95 <= 1 and worst <= 2", "no condition"),
        ("__import__('os').system('ls')", "no condition"),
        ("p95 <= 1e999", "too large"),
        ("p95 <= " + "9" * 100_000, "no condition"),
        ("", "no condition"),
    ],
)
def test_what_is_none_is_refused_before_anything_is_read(typed, told):
    with pytest.raises(InputError, match="--assert") as refused:
        parsed(typed)
    assert told in str(refused.value) and len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("typed", "report", "told"),
    [
        ("worse.high <= 2 px", GAZE, "not measured in 'px'; write %."),
        ("worse.high <= 2 %", CLASSES, "not measured in '%'; write points."),
        ("p95 <= 2 cm", GAZE, "not measured in 'cm'; write px."),
        ("student.bytes <= 4 apples", GAZE, "write bytes, B, kB, MB, GB, KiB, MiB, GiB."),
        ("parity <= 1 %", GAZE, "not measured in '%'; write k, M."),
        ("student.bytes <= 1,000", GAZE, "not measured in ',000'"),
    ],
)
def test_a_unit_of_something_else_is_refused(typed, report, told):
    with pytest.raises(InputError) as refused:
        parsed(typed).limit(report)
    assert told in str(refused.value)


def test_defaults_are_asked_for_by_one_word_and_nothing_twice():
    named = [one.check.name for one in conditions(["worst <= 9", "defaults", "worst<=9"])]
    assert named == ["worst", "calibration", "completeness", "ece", "leakage", "parity", "slice.worst", "worse.width"]
    assert len(defaults()) == 7 and all(one.asked for one in conditions(["defaults"]))
