"""Does an attribution lie where people looked? Scores of maps against a human attention map and against its fixations.

An attribution is signed, a map of looking is not: of Grad-CAM the positive part is read, as published; of integrated gradients
the absolute value, since its sign says whether a pixel should be brighter or darker. Both are blurred as fixations are.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from xgaze.data.photographs.attention import Spread, gaussian_sum
from xgaze.evaluation.looking.fixation_maps import as_density, correlation, kl_divergence
from xgaze.evaluation.looking.fixation_scores import auc_judd, nss, shuffled_auc

GRAD_CAM, GRADIENTS = "Grad-CAM", "integrated gradients"
PARTS: Mapping[str, str] = MappingProxyType({GRAD_CAM: "positive part", GRADIENTS: "absolute value"})
FIXATION_METRICS = ("nss", "auc_judd", "shuffled_auc")
METRICS = ("pointing", "nss", "cc", "kl", "shuffled_auc", "auc_judd")
POINTED_SHARE = 0.1
"""Of all pixels, those that people looked at most: where the pointing game is won. Chance wins as often."""
DRAWN = 100
"""Fixations that stand for a map whose own are not known."""

Map = NDArray[np.float64]


def attention_of(attribution: ArrayLike, method: str, sigma_px: float) -> Map:
    """A signed attribution (H, W) as a map of looking: the part of it that `PARTS` names, blurred by `sigma_px`."""
    values = np.asarray(attribution, np.float64)
    taken = np.clip(values, 0, None) if PARTS[method] == "positive part" else np.abs(values)
    blurred: Map = gaussian_filter(taken, sigma_px, mode="constant")
    return blurred


def pointing(attention: ArrayLike, human: ArrayLike, share: float = POINTED_SHARE) -> float:
    """Pointing game (Zhang et al. 2016): 1 if the highest pixel is among the `share` of pixels looked at most, else 0.

    Several highest pixels count by how many of them are; so a constant map scores about `share`.
    """
    values, looked = np.asarray(attention), np.asarray(human, np.float64).ravel()
    region = np.zeros(looked.size, bool)
    region[np.argsort(-looked, kind="stable")[: max(1, round(share * looked.size))]] = True
    return float(region[(values == values.max()).ravel()].mean())


def scores(attention: Map, human: ArrayLike, places_px: ArrayLike, others_px: ArrayLike) -> dict[str, float]:
    """Every one of `METRICS` of a map (H, W): against the human map (H, W), the fixations (n, 2) on this picture, and those
    (m, 2) on all others, in px of the map. KL in nats, the epsilon that of `kl_divergence`."""
    return {
        "pointing": pointing(attention, human),
        "nss": nss(attention, places_px),
        "cc": correlation(attention, human),
        "kl": kl_divergence(attention, human),
        "shuffled_auc": shuffled_auc(attention, places_px, others_px),
        "auc_judd": auc_judd(attention, places_px),
    }


def ceiling(
    viewers: tuple[NDArray[np.float64], ...], shape: tuple[int, int], sigma_px: float, others_px: ArrayLike
) -> dict[str, float]:
    """How well all other viewers' blurred fixations tell those of each one of them, mean over viewers; empty for fewer than two.

    Of the scores at fixations alone: a single viewer's map is too sparse to be likened to.
    """
    places = [one for one in viewers if len(one)]
    if len(places) < 2:
        return {}
    size = (shape[1], shape[0])
    own = [gaussian_sum(one, np.ones(len(one)), size, Spread(sigma_px, None)) for one in places]
    total = np.sum(own, axis=0)
    ask: dict[str, Callable[[Map, Any], float]] = {
        "nss": nss,
        "auc_judd": auc_judd,
        "shuffled_auc": lambda saliency, points: shuffled_auc(saliency, points, others_px),
    }
    # Rounding may leave less than nothing of the others.
    rest = [np.maximum(total - one, 0) for one in own]
    return {
        name: float(np.mean([metric(a, b) for a, b in zip(rest, places, strict=True)])) for name, metric in ask.items()
    }


def drawn_places(human: ArrayLike, seed: int, count: int = DRAWN) -> NDArray[np.float64]:
    """Fixations (count, 2) drawn from a map (H, W) by its values: x and y in px, the middle of the pixels."""
    density = as_density(human)
    chosen = np.random.default_rng(seed % 2**63).choice(density.size, count, p=density.ravel())
    y, x = np.divmod(chosen, density.shape[1])
    return np.column_stack([x, y]) + 0.5
