"""Who lost most: closed forms, chance, and frames that resemble their neighbours."""

import numpy as np
import pytest
from scipy import stats

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.evaluation.intervals.lost_people import independent_frames, lost_people

FRAMES = 20
OFF = np.resize([-1.0, 1.0], FRAMES)
"""Neighbours differ, so that frames count as they are."""


def people(losses):
    """Each loses so much on average, by frames one more and one less in turn."""
    teacher = np.full(FRAMES * len(losses), 10.0)
    names = np.repeat([f"p{k:03d}" for k in range(len(losses))], FRAMES)
    student = teacher + np.concatenate([one + OFF for one in losses])
    return lost_people({TEACHER: teacher, STUDENT: student}, names)


def test_the_largest_loss_comes_first_with_its_t_interval():
    found = people([0.0, 2.0, -1.0])
    assert [one["group"] for one in found] == ["p001", "p000", "p002"]
    first = found[0]
    ends = stats.ttest_1samp(2 + OFF, 0).confidence_interval()
    assert first["difference"] == {"mean": 2.0, "low": pytest.approx(ends.low), "high": pytest.approx(ends.high)}
    assert (first["samples"], first["teacher"], first["student"]) == (FRAMES, 10.0, 12.0)


def test_p_is_corrected_for_all_people():
    ps = [stats.ttest_1samp(one + OFF, 0).pvalue for one in (2.0, 0.3, 0.0)]
    found = {one["group"]: one["p"] for one in people([2.0, 0.3, 0.0])}
    assert [found[f"p{k:03d}"] for k in range(3)] == pytest.approx([3 * ps[0], 1.5 * ps[1], 1.0])


def test_of_people_who_lost_nothing_hardly_anybody_is_named():
    rng = np.random.default_rng(2)
    names = np.repeat(np.arange(300).astype(str), FRAMES)
    teacher = rng.rayleigh(20, len(names))
    student = teacher + rng.normal(0, 3, len(names))
    found = lost_people({TEACHER: teacher, STUDENT: student}, names)
    assert sum(one["p"] < 0.05 for one in found) <= 2


def test_frames_that_resemble_their_neighbours_count_as_fewer():
    rng = np.random.default_rng(3)
    alone = rng.normal(size=4000)
    assert independent_frames(alone) == pytest.approx(4000, rel=0.1)
    chain = np.zeros(4000)
    for k in range(1, 4000):
        chain[k] = 0.8 * chain[k - 1] + alone[k]
    assert independent_frames(chain) == pytest.approx(4000 * 0.2 / 1.8, rel=0.2)
    assert independent_frames(np.arange(10.0)) == pytest.approx(2, abs=0.9)


def test_of_few_frames_or_equal_losses_nothing_is_known_of_chance():
    (one,) = lost_people({TEACHER: np.ones(2), STUDENT: np.array([2.0, 4.0])}, ["a", "a"])
    assert one["p"] == 1.0 and one["difference"] == {"mean": 2.0, "low": None, "high": None}
    (one,) = lost_people({TEACHER: np.ones(9), STUDENT: np.full(9, 3.0)}, ["a"] * 9)
    assert one["p"] == 1.0
