"""Summary features of scanpaths against hand counts and numpy."""

import numpy as np
import pytest

from xgaze.data.fixations.scanpaths import Scanpath
from xgaze.evaluation.looking.fixation_features import summary_features


def scanpath(points, durations):
    return Scanpath("p/s", "p", "s", np.array(points, float), np.array(durations, float))


SQUARE = scanpath([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)], [100, 200, 300, 400, 500])


def test_a_square_walked_round():
    found = summary_features([SQUARE]).iloc[0]
    assert found["fixations"] == 5 and found["total duration"] == 1500 and found["duration mean"] == 300
    assert found["length mean"] == 10 and found["length std"] == 0
    # Right, down, left, up (y grows downwards); each turn is a quarter to the right.
    assert [found[f"direction {k}"] for k in range(8)] == [0.25, 0, 0.25, 0, 0.25, 0, 0.25, 0]
    assert [found[f"turn {k}"] for k in range(8)] == [0, 0, 1, 0, 0, 0, 0, 0]
    assert found["duration trend"] == pytest.approx(1) and found["length trend"] == 0
    assert found["speed"] == pytest.approx(10 / 300)


def test_spread_and_trend_are_those_of_numpy():
    rng = np.random.default_rng(0)
    own = scanpath(rng.uniform(0, 100, (9, 2)), rng.uniform(50, 500, 9))
    found = summary_features([SQUARE, own]).iloc[1]
    assert found["duration quantile 0.25"] == pytest.approx(np.quantile(own.duration_ms, 0.25), rel=1e-6)
    lengths = np.linalg.norm(np.diff(own.xy_px, axis=0), axis=1)
    assert found["length std"] == pytest.approx(lengths.std(), rel=1e-5)
    expected = np.corrcoef(lengths, own.duration_ms[1:])[0, 1]
    assert found["duration after length"] == pytest.approx(expected, rel=1e-5)


def test_rows_are_in_the_order_of_scanpaths_whatever_their_lengths():
    short = scanpath([(1, 2), (4, 6), (4, 6)], [10, 20, 30])
    found = summary_features([short, SQUARE, short])
    assert found["fixations"].tolist() == [3, 5, 3] and found.iloc[0].equals(found.iloc[2].rename(0))
    assert found.loc[0, "x of number 2"] == 4 and found.loc[0, "x of number 5"] == 3
    assert np.isfinite(found.to_numpy()).all()
