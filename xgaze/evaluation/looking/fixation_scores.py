"""How well a map predicts where people looked, judged at the fixations: AUC, AUC-Judd, shuffled AUC, NSS, information gain.

A map is (height, width), higher where more looking is expected. Fixations are (n, 2), x and y in px of the map, origin top left;
a fixation counts for the pixel it lies in, and as often as it is given. Definitions as in pysaliency 0.2.22 (Kümmerer et al.);
every function raises ValueError for an empty set of fixations, one outside the map, or a map with values that are not finite.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.evaluation.looking.fixation_maps import EPSILON, as_density

Map = NDArray[Any]


def auc(saliency: ArrayLike, fixations_px: ArrayLike) -> float:
    """Area under the ROC curve of fixated values against all pixels, every value a threshold; ties count one half."""
    values = finite(saliency)
    return _roc_area(values_at(values, fixations_px), values.ravel())


def auc_judd(saliency: ArrayLike, fixations_px: ArrayLike) -> float:
    """Area under the ROC curve of fixated values against unfixated pixels, drawn through the fixated values' thresholds only.

    Between two thresholds the curve is straight, so ties count one half, and so do the pixels between two fixated values.
    Raises ValueError also if every pixel is fixated. Judd et al. 2009.
    """
    values = finite(saliency)
    x, y = pixels_of(fixations_px, values.shape)
    unfixated = np.ones(values.shape, dtype=bool)
    unfixated[y, x] = False
    negatives = np.sort(values[unfixated])
    if not len(negatives):
        raise ValueError("every pixel is fixated: there is nothing to tell the fixations from")
    positives = np.sort(values[y, x])
    thresholds = np.unique(positives)[::-1]
    hits = 1 - np.searchsorted(positives, thresholds) / len(positives)
    alarms = 1 - np.searchsorted(negatives, thresholds) / len(negatives)
    return float(np.trapezoid([0.0, *hits, 1.0], [0.0, *alarms, 1.0]))


def shuffled_auc(saliency: ArrayLike, fixations_px: ArrayLike, other_fixations_px: ArrayLike) -> float:
    """Area under the ROC curve of this picture's fixated values against the values at the fixations of all other pictures.

    other_fixations_px (m, 2) are already scaled to this picture (`rescaled`); ties count one half. A map that knows only the
    centre bias scores 0.5. Zhang et al. 2008.
    """
    values = finite(saliency)
    return _roc_area(values_at(values, fixations_px), values_at(values, other_fixations_px))


def nss(saliency: ArrayLike, fixations_px: ArrayLike) -> float:
    """Normalised scanpath saliency: mean of (map - mean) / population standard deviation at the fixations; a constant map: 0."""
    values = finite(saliency).astype(np.float64)
    found = values_at(values, fixations_px)
    if np.ptp(values) == 0:
        return 0.0
    return float((found.mean() - values.mean()) / values.std())


def information_gain(
    saliency: ArrayLike, baseline: ArrayLike, fixations_px: ArrayLike, epsilon: float = EPSILON
) -> float:
    """Bits per fixation that the map tells beyond the baseline: mean of log2(p + epsilon) - log2(b + epsilon).

    Both maps are read as densities (`as_density`); the baseline is a centre bias fitted without this picture. epsilon bounds
    the loss where a map says "never". Kümmerer et al. 2015.
    """
    told, known = (values_at(as_density(finite(one)), fixations_px) for one in (saliency, baseline))
    return float(np.mean(np.log2(told + epsilon) - np.log2(known + epsilon)))


def rescaled(fixations_px: ArrayLike, size: tuple[int, int], to_size: tuple[int, int]) -> NDArray[np.float64]:
    """Fixations (n, 2) on a picture of `size` (width, height) px, at the same relative places of one of `to_size`."""
    places = np.asarray(fixations_px, np.float64).reshape(-1, 2)
    return places * (np.asarray(to_size, np.float64) / np.asarray(size, np.float64))


def inside(fixations_px: ArrayLike, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which fixations (n,) lie on a picture of `size` (width, height) px."""
    places = np.asarray(fixations_px, np.float64).reshape(-1, 2)
    (x, y), (width, height) = places.T, size
    found: NDArray[np.bool_] = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return found


def pixels_of(fixations_px: ArrayLike, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column and row (n,) of the pixel that each fixation lies in. Raises ValueError for none, or one outside `shape`."""
    places = np.asarray(fixations_px, np.float64).reshape(-1, 2)
    if not len(places):
        raise ValueError("no fixations: nothing to score")
    outside = int((~inside(places, (shape[1], shape[0]))).sum())
    if outside:
        raise ValueError(f"{outside} of {len(places)} fixations lie outside the {shape[1]}x{shape[0]} px map")
    x, y = np.floor(places).astype(np.int64).T
    return x, y


def values_at(values: Map, fixations_px: ArrayLike) -> Map:
    """The map's values (n,) at the fixations."""
    x, y = pixels_of(fixations_px, values.shape)
    found: Map = values[y, x]
    return found


def finite(saliency: ArrayLike) -> Map:
    """The map as an array (height, width). Raises ValueError if it is none, or holds a value that is not finite."""
    values = np.asarray(saliency)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"a map has a height and a width; found shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of {values.size} values of the map are not finite")
    return values


def _roc_area(positives: Map, negatives: Map) -> float:
    """Share of pairs in which the positive is higher, ties one half: the Mann-Whitney statistic."""
    ordered = np.sort(negatives)
    below, not_above = (np.searchsorted(ordered, positives, side).mean() for side in ("left", "right"))
    return float((below + not_above) / 2 / len(ordered))
