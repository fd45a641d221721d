"""What stands beside every map of predicted looking: uniform below, other people above.

The centre bias has its own file. Fixations are (n, 2), x and y in px of the picture, origin top left; sizes are (width, height).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.data.photographs.attention import Spread, gaussian_sum
from xgaze.evaluation.looking.fixation_scores import inside


def uniform(size: tuple[int, int]) -> NDArray[np.float64]:
    """Every px equally likely: (height, width), sums to 1."""
    width, height = size
    return np.full((height, width), 1 / (width * height))


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


def maps_of_others(
    viewers: Sequence[ArrayLike], size: tuple[int, int], sigma_px: float
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Number of each viewer with fixations on the picture, and the others' blurred fixations, where anybody else has one.

    Scored at the viewer's own fixations, the mean is a ceiling for what a model can know without knowing the viewer.
    """
    places = [np.asarray(one, np.float64).reshape(-1, 2) for one in viewers]
    places = [one[inside(one, size)] for one in places]
    own = [gaussian_sum(one, np.ones(len(one)), size, Spread(sigma_px, None)) for one in places]
    total = np.sum(own, axis=0)
    count = sum(map(len, places))
    for k, one in enumerate(places):
        if 0 < len(one) < count:
            yield k, np.maximum(total - own[k], 0)  # rounding may leave less than nothing
