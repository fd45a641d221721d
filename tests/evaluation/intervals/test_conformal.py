"""The radius of one frame: closed forms, what so few people cannot promise, and that the promise is kept on new people."""

import numpy as np
import pytest

from xgaze.evaluation.intervals.conformal import LEVELS, coverage, frame_radii, radius


def test_with_one_frame_each_it_is_the_usual_split_conformal_quantile():
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 20))  # of 19 people: the ceil(20 level)-th smallest
    people = np.arange(19)
    assert [radius(errors, people, level) for level in (0.5, 0.9, 0.95)] == [10.0, 18.0, 19.0]
    assert radius(errors, people, 0.96) is None  # 19 people promise 19 / 20


def test_people_count_the_same_however_many_frames_they_gave():
    errors = [9.0, *[1.0] * 100, *[2.0] * 10]
    people = ["few", *["many"] * 100, *["some"] * 10]
    assert radius(errors, people, 0.25) == 1.0  # of four quarters, one at infinity
    assert radius(errors, people, 0.26) == 2.0
    assert radius(errors, people, 0.5) == 2.0 and radius(errors, people, 0.75) == 9.0
    assert radius(errors, people, 0.76) is None


def test_ties_and_an_only_person():
    assert radius([3.0, 3.0, 3.0], ["a", "a", "a"], 0.5) == 3.0 and radius([3.0], ["a"], 0.6) is None
    with pytest.raises(ValueError, match="no samples"):
        radius([], [], 0.5)


def test_coverage_is_of_people_not_of_frames():
    found = coverage([1.0, 5.0, 5.0, 5.0, 1.0], ["a", "b", "b", "b", "c"], 1.0)
    assert found.mean == pytest.approx(2 / 3) and 0 <= found.low < found.high <= 1


def draw(rng, people, frames=12):
    """Errors of people who differ by a factor, which frames of one person share."""
    scale = np.exp(rng.normal(0, 0.5, people))
    return (scale[:, None] * rng.gamma(2.0, 1.0, (people, frames))).ravel(), np.repeat(np.arange(people), frames)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_new_people_are_covered_as_promised_where_pooled_frames_would_promise_too_much(level):
    rng, ours, pooled = np.random.default_rng(1), [], []
    for _ in range(400):
        known, (new, _people) = draw(rng, 9), draw(rng, 40)  # all gave as many frames: their mean is that of people
        ours.append(np.mean(new <= radius(*known, level)))
        pooled.append(np.mean(new <= np.quantile(known[0], level)))
    spread = np.std(ours) / np.sqrt(len(ours))
    assert level - 3 * spread < np.mean(ours) < level + 1 / 10 + 3 * spread  # at most 1 / (K + 1) above, ties apart
    if level == 0.9:
        assert np.mean(pooled) < level - 3 * spread


def test_rows_tell_what_was_promised_and_what_was_measured():
    rows = frame_radii(np.arange(1.0, 10), np.arange(9), [0.5, 100.0, 2.0], ["a", "a", "b"])
    assert [one["level_percent"] for one in rows] == [100 * level for level in LEVELS]
    assert [one["radius"] for one in rows] == [5.0, 6.0, 7.0, 8.0, 9.0, None]
    assert rows[0]["coverage_percent"]["mean"] == 75.0 and rows[0]["least_percent"] == 50.0
    assert rows[-1]["coverage_percent"] is rows[-1]["least_percent"] is None
