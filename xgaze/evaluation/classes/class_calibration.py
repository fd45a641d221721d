"""Does a class come true as often as its probability says? The expected calibration error, and the bins it is a mean over."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.evaluation.classes.classification import probabilities
from xgaze.report.claims import CLASS_CALIBRATION as CLASS_CALIBRATION

BINS = 15
"""Of equal width from 0 to 1, as Guo et al. (2017, arXiv:1706.04599) take."""


def confidence_bins(predicted: ArrayLike, labels: ArrayLike, bins: int = BINS) -> list[dict[str, Any]]:
    """Samples by how sure they were: the largest probability of each of `predicted` (n, classes), in bins of equal width, each
    open below and closed above. For every bin with samples: its ends, samples, mean probability and share of right answers, %.
    Raises ValueError if empty."""
    own, truth = np.asarray(predicted, np.float64), np.asarray(labels)
    if not len(own):
        raise ValueError("no samples: probabilities of none come true")
    sure, right = own.max(axis=1), own.argmax(axis=1) == truth
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    return [_bin(sure[place == k], right[place == k], k, bins) for k in range(bins) if (place == k).any()]


def _bin(sure: NDArray[np.float64], right: NDArray[np.bool_], place: int, bins: int) -> dict[str, Any]:
    return {
        "from_percent": 100 * place / bins,
        "to_percent": 100 * (place + 1) / bins,
        "samples": len(sure),
        "sure_percent": 100 * float(sure.mean()),
        "right_percent": 100 * float(right.mean()),
    }


def expected_calibration_error(predicted: ArrayLike, labels: ArrayLike, bins: int = BINS) -> float:
    """Mean over samples of how far their bin's share of right answers lies from its mean probability, 0..100 %."""
    rows = confidence_bins(predicted, labels, bins)
    apart = [one["samples"] * abs(one["sure_percent"] - one["right_percent"]) for one in rows]
    return float(sum(apart) / sum(one["samples"] for one in rows))


def calibration_of(recording: Recording, unseen: NDArray[Any]) -> dict[str, Any] | None:
    """Of the logits on all test samples, in the recording's order: {"ece_percent", "bins"}; None where no class is predicted."""
    if recording.spec.kind != "class" or not len(unseen):
        return None
    truth, predicted = targets_of(recording, rows_of(recording, "test")), probabilities(unseen)
    return {"ece_percent": expected_calibration_error(predicted, truth), "bins": confidence_bins(predicted, truth)}
