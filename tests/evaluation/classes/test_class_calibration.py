"""Expected calibration error against closed forms and a direct definition."""

import numpy as np
import pytest

from xgaze.data.contract import rows_of, targets_of
from xgaze.evaluation.classes.class_calibration import BINS, calibration_of, confidence_bins, expected_calibration_error


def of_two(sure):
    return np.column_stack([sure, 1 - np.asarray(sure)])


def directly(predicted, labels, bins):
    """As Guo et al. (2017) write it, sample by sample."""
    sure, right = predicted.max(1), predicted.argmax(1) == labels
    found = 0.0
    for m in range(1, bins + 1):
        own = (sure > (m - 1) / bins) & (sure <= m / bins)
        if own.any():
            found += own.sum() / len(labels) * abs(right[own].mean() - sure[own].mean())
    return 100 * found


def test_always_sure_and_right_in_three_of_four():
    assert expected_calibration_error(of_two(np.ones(8)), [0, 0, 0, 1] * 2) == pytest.approx(25)


def test_as_sure_as_right_has_none():
    predicted = of_two([0.8] * 10 + [0.6] * 5)
    labels = [0] * 8 + [1] * 2 + [0] * 3 + [1] * 2
    assert expected_calibration_error(predicted, labels) == pytest.approx(0, abs=1e-12)


def test_bins_weigh_as_their_samples():
    predicted = of_two([0.9] * 30 + [0.55] * 10)  # 10 points too sure in three quarters, 45 too little in a quarter
    labels = [0] * 24 + [1] * 6 + [0] * 10
    assert expected_calibration_error(predicted, labels) == pytest.approx(0.75 * 10 + 0.25 * 45)


def test_too_sure_and_not_sure_enough_in_one_bin_make_up_for_each_other():
    predicted = of_two([0.94, 0.96])  # both in the bin from 93.3 to 100 %
    rows = confidence_bins(predicted, [0, 0])
    assert len(rows) == 1 and rows[0]["samples"] == 2 and rows[0]["to_percent"] == 100
    assert rows[0]["sure_percent"] == pytest.approx(95) and rows[0]["right_percent"] == 100


def test_an_end_belongs_to_the_bin_below_it():
    rows = confidence_bins(of_two([0.8, 0.800001]), [0, 0], bins=5)
    assert [(one["from_percent"], one["samples"]) for one in rows] == [(60, 1), (80, 1)]


@pytest.mark.parametrize(("classes", "bins"), [(2, 10), (3, 15), (7, 15), (4, 1)])
def test_parity_with_the_definition(classes, bins):
    rng = np.random.default_rng(classes)
    predicted = rng.dirichlet(np.full(classes, 0.7), 500)
    labels = rng.integers(0, classes, 500)
    assert expected_calibration_error(predicted, labels, bins) == pytest.approx(directly(predicted, labels, bins))


def test_of_a_recording_from_its_logits(class_recording, gaze_recording):
    truth = targets_of(class_recording, rows_of(class_recording, "test"))
    logits = np.where(np.arange(2) == 0, np.log(3.0), 0.0) * np.ones((len(truth), 1))  # always 75 % for the first class
    found = calibration_of(class_recording, logits)
    share = 100 * float((truth == 0).mean())
    assert found["ece_percent"] == pytest.approx(abs(75 - share)) and BINS == 15
    assert len(found["bins"]) == 1 and found["bins"][0]["samples"] == len(truth)
    assert calibration_of(gaze_recording, np.zeros((5, 2))) is None


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="no samples"):
        confidence_bins(np.zeros((0, 2)), [])
