"""Whom did it cost? Planted losses are found where they are, chance is not taken for one, figures equal their closed forms."""

import numpy as np
import pytest
from scipy import stats

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.data.contract import rows_of
from xgaze.evaluation.intervals.participants import difference_percent
from xgaze.evaluation.slices import known_of, measured_slices, slices_of

PEOPLE, FRAMES = 40, 8
WHO = np.repeat([f"p{k:02d}" for k in range(PEOPLE)], FRAMES)
GLASSES = np.repeat(np.where(np.arange(PEOPLE) % 2, "glasses", "none"), FRAMES)


def errors(seed, cost=0.0):
    """Errors of teacher and student, who loses `cost` of each error of people with glasses."""
    rng = np.random.default_rng(seed)
    teacher = rng.gamma(4.0, 5.0, WHO.shape)
    student = teacher * (1 + cost * (GLASSES == "glasses")) * rng.normal(1, 0.05, WHO.shape)
    return {TEACHER: teacher, STUDENT: student}


def by_slice(rows):
    return {(one["condition"], one["where"]): one for one in rows}


def test_a_planted_loss_is_found_where_it_is():
    rows = by_slice(measured_slices({"eyewear": GLASSES}, errors(0, 0.2), WHO))
    lost, kept = rows["eyewear", "glasses"], rows["eyewear", "none"]
    assert lost["worse_percent"]["mean"] == pytest.approx(20, abs=2) and lost["p"] < 1e-6
    assert kept["p"] > 0.05 and kept["worse_percent"]["low"] < 0 < kept["worse_percent"]["high"]
    assert (lost["participants"], lost["samples"]) == (PEOPLE // 2, PEOPLE // 2 * FRAMES)


def test_figures_are_those_of_the_samples_inside():
    found = errors(1, 0.1)
    row = by_slice(measured_slices({"eyewear": GLASSES}, found, WHO))["eyewear", "glasses"]
    inside = GLASSES == "glasses"
    assert row["teacher"]["mean"] == pytest.approx(found[TEACHER][inside].mean())
    expected = difference_percent(found[STUDENT][inside], found[TEACHER][inside], WHO[inside])
    assert row["worse_percent"] == pytest.approx({"mean": expected.mean, "low": expected.low, "high": expected.high})


def test_p_is_that_of_a_paired_t_test_over_people_corrected_for_all_slices():
    found = errors(2, 0.02)
    lid = np.random.default_rng(3).normal(5, 1, WHO.shape)
    rows = measured_slices({"eyewear": GLASSES, "lid, mm": lid}, found, WHO)
    raw = []
    for row in rows:
        ends = np.quantile(lid, [0.25, 0.5, 0.75])
        quarter = [one["where"] for one in rows if one["condition"] == "lid, mm"]
        inside = (
            row["where"] == GLASSES
            if row["condition"] == "eyewear"
            else np.searchsorted(ends, lid, side="right") == quarter.index(row["where"])
        )
        each = [(found[STUDENT] - found[TEACHER])[inside & (one == WHO)].mean() for one in sorted(set(WHO[inside]))]
        raw.append(stats.ttest_1samp(each, 0).pvalue)
    np.testing.assert_allclose([one["p"] for one in rows], stats.false_discovery_control(raw, method="by"), rtol=1e-9)
    assert len(rows) == 6


def test_chance_is_rarely_taken_for_a_loss_however_many_slices_are_looked_at():
    """Ten conditions that mean nothing: of 40 models as good as their teachers at most a few lose somewhere."""
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        known = {f"noise {k}": rng.normal(size=WHO.shape) for k in range(10)}
        alarms += any(one["p"] < 0.05 for one in measured_slices(known, errors(seed), WHO))
    assert alarms <= 4


def test_numbers_are_cut_into_quarters_of_the_samples_and_few_values_are_taken_as_they_are():
    values = np.arange(len(WHO), dtype=float)
    rows = measured_slices({"time, s": values, "session": np.arange(len(WHO)) % 2}, errors(0), WHO)
    sizes = {one["where"]: one["samples"] for one in rows if one["condition"] == "time, s"}
    assert list(sizes.values()) == [len(WHO) // 4] * 4 and next(iter(sizes)) == "0 to 79"
    assert [one["where"] for one in rows if one["condition"] == "session"] == ["0", "1"]


@pytest.mark.parametrize(
    "values",
    [
        np.full(len(WHO), "same"),
        np.full(len(WHO), 3.0),
        np.full(len(WHO), np.nan),
        np.where(WHO < "p04", "few", "most"),  # four people give no slice, and one slice alone is no division
    ],
)
def test_what_divides_nobody_is_left_out(values):
    rows = measured_slices({"x": values}, errors(0), WHO)
    assert [one["where"] for one in rows] in ([], ["most"])


def test_what_is_not_known_is_in_no_slice():
    numbers = np.where(np.arange(len(WHO)) % 4 == 0, np.nan, np.arange(len(WHO), dtype=float))
    words = np.where(np.arange(len(WHO)) % 4 == 0, "", GLASSES)
    rows = measured_slices({"n": numbers, "w": words}, errors(0), WHO)
    for name in ("n", "w"):
        assert sum(one["samples"] for one in rows if one["condition"] == name) == len(WHO) * 3 // 4


def test_truth_values_are_told_as_yes_and_no():
    rows = measured_slices({"glasses": GLASSES == "glasses"}, errors(0), WHO)
    assert [one["where"] for one in rows] == ["no", "yes"]


def test_of_a_teacher_alone_there_is_its_error():
    (row, _) = measured_slices({"eyewear": GLASSES}, {TEACHER: errors(0)[TEACHER]}, WHO)
    assert row["teacher"]["low"] < row["teacher"]["mean"] and row["student"] is row["worse_percent"] is row["p"] is None


def test_a_teacher_without_error_has_no_percent_of_it():
    rows = measured_slices({"eyewear": GLASSES}, {TEACHER: np.zeros(len(WHO)), STUDENT: np.ones(len(WHO))}, WHO)
    assert all(one["worse_percent"] is None for one in rows)


def test_a_recording_of_gaze_points_is_divided_by_eccentricity(gaze_recording):
    rows = rows_of(gaze_recording, "test")
    assert set(known_of(gaze_recording, rows)) == {"session", "eccentricity, px"}
    outputs = np.zeros((len(rows), 2), np.float32)
    found = slices_of(gaze_recording, rows, {TEACHER: outputs, STUDENT: outputs})
    assert all(one["p"] == 1.0 for one in found)
    assert {one["condition"] for one in found} <= {"eccentricity, px"}
