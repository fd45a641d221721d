"""What stands beside every map of predicted looking: uniform below, other people above; and intervals over pictures and viewers.

The centre bias has its own file. Fixations are (n, 2), x and y in px of the picture, origin top left; sizes are (width, height).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.data.attention import Spread, gaussian_sum
from xgaze.evaluation.fixation import inside, pixels_of
from xgaze.evaluation.participants import Interval, mean_interval

Metric = Callable[[NDArray[np.float64], NDArray[np.float64]], float]
"""A score of a map (height, width) at fixations (n, 2)."""


def uniform(size: tuple[int, int]) -> NDArray[np.float64]:
    """Every px equally likely: (height, width), sums to 1."""
    width, height = size
    return np.full((height, width), 1 / (width * height))


def fixation_map(fixations_px: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Number of fixations in every px: (height, width). Raises ValueError for none, or one outside."""
    width, height = size
    x, y = pixels_of(fixations_px, (height, width))
    return np.bincount(y * width + x, minlength=width * height).reshape(height, width).astype(np.float64)


def blurred_fixations(fixations_px: ArrayLike, size: tuple[int, int], sigma_px: float) -> NDArray[np.float64]:
    """One Gaussian per fixation, all alike, as a density (height, width) that sums to 1. sigma_px is usually one degree.

    Raises ValueError when there is no fixation.
    """
    places = np.asarray(fixations_px, np.float64).reshape(-1, 2)
    if not len(places):
        raise ValueError("no fixations: nothing to blur")
    total = gaussian_sum(places, np.ones(len(places)), size, Spread(sigma_px, None))
    density: NDArray[np.float64] = total / total.sum()
    return density


def inter_observer(
    viewers: Sequence[ArrayLike], size: tuple[int, int], sigma_px: float, metric: Metric
) -> NDArray[np.float64]:
    """How well all other viewers' blurred fixations predict those of each viewer of one picture: a score per viewer.

    viewers: each one's fixations. NaN for a viewer without fixations on the picture, or when nobody else has one. The mean is
    a ceiling for what a model can know without knowing the viewer.
    """
    scores = np.full(len(viewers), np.nan)
    for k, others in maps_of_others(viewers, size, sigma_px):
        places = np.asarray(viewers[k], np.float64).reshape(-1, 2)
        scores[k] = metric(others, places[inside(places, size)])
    return scores


def maps_of_others(
    viewers: Sequence[ArrayLike], size: tuple[int, int], sigma_px: float
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Number of each viewer with fixations on the picture, and the others' blurred fixations, where anybody else has one."""
    places = [np.asarray(one, np.float64).reshape(-1, 2) for one in viewers]
    places = [one[inside(one, size)] for one in places]
    own = [gaussian_sum(one, np.ones(len(one)), size, Spread(sigma_px, None)) for one in places]
    total = np.sum(own, axis=0)
    count = sum(map(len, places))
    for k, one in enumerate(places):
        if 0 < len(one) < count:
            yield k, np.maximum(total - own[k], 0)  # rounding may leave less than nothing


def per_viewer(saliency: NDArray[Any], viewers: Sequence[ArrayLike], metric: Metric) -> NDArray[np.float64]:
    """The map's score at each viewer's fixations on it; NaN for a viewer without any."""
    height, width = saliency.shape
    places = [np.asarray(one, np.float64).reshape(-1, 2) for one in viewers]
    places = [one[inside(one, (width, height))] for one in places]
    return np.array([metric(saliency, one) if len(one) else np.nan for one in places])


def over_pictures_and_viewers(values: ArrayLike, pictures: ArrayLike, viewers: ArrayLike) -> dict[str, Interval]:
    """Mean score with its 95 % interval over "pictures" and over "viewers"; one row per viewing (n,).

    Each interval lets every picture, or every viewer, count the same, so that the two means may differ where viewings are
    missing. Rows whose score is NaN do not count. Raises ValueError if none is left.
    """
    scores = np.asarray(values, np.float64)
    known = ~np.isnan(scores)
    units = {"pictures": np.asarray(pictures, str), "viewers": np.asarray(viewers, str)}
    return {name: mean_interval(scores[known], unit[known]) for name, unit in units.items()}
