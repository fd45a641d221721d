import numpy as np
import pytest
from sklearn.metrics import f1_score

from xgaze.data.contract import InputSpec, Spec
from xgaze.evaluation.intervals.f1_lost import macro_f1_lost

THREE = Spec((InputSpec("image", (1, 4, 4)),), "class", unit="accuracy", classes=("a", "b", "c"))
GAZE = Spec((InputSpec("eye0", (1, 4, 4)),), "gaze", scene=(800, 600))


def answers(rng, labels, right):
    """Logits that name the true class with probability `right`."""
    said = np.where(rng.random(len(labels)) < right, labels, rng.integers(0, 3, len(labels)))
    return np.eye(3)[said]


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    labels, people = rng.integers(0, 3, 1200), np.repeat([f"p{k:02d}" for k in range(60)], 20)
    return rng, labels, people


def test_the_loss_is_that_of_scikit_learns_macro_f1(people):
    rng, labels, names = people
    student, reference = answers(rng, labels, 0.5), answers(rng, labels, 0.8)
    found = macro_f1_lost(THREE, student, reference, labels, names)
    ours, theirs = (f1_score(labels, one.argmax(axis=1), average="macro") for one in (student, reference))
    assert (found["student"], found["reference"]) == pytest.approx((ours, theirs), abs=1e-12)
    lost = found["worse_points"]
    assert lost.mean == pytest.approx(100 * (theirs - ours), abs=1e-9)
    assert 0 < lost.low < lost.mean < lost.high


def test_a_model_loses_nothing_against_itself(people):
    rng, labels, names = people
    outputs = answers(rng, labels, 0.6)
    lost = macro_f1_lost(THREE, outputs, outputs, labels, names)["worse_points"]
    assert (lost.low, lost.mean, lost.high) == (0, 0, 0)


def test_people_are_drawn_whole_so_repeating_their_samples_changes_nothing(people):
    rng, labels, names = people
    student, reference = answers(rng, labels, 0.5), answers(rng, labels, 0.6)
    once = macro_f1_lost(THREE, student, reference, labels, names)["worse_points"]
    thrice = macro_f1_lost(THREE, *(np.repeat(x, 3, axis=0) for x in (student, reference, labels, names)))
    assert vars(thrice["worse_points"]) == pytest.approx(vars(once), abs=1e-9)


def test_gaze_has_no_f1():
    points = np.zeros((2, 2))
    assert macro_f1_lost(GAZE, points, points, points, np.array(["a", "b"])) is None
