"""Maps of predicted looking judged at people's fixations: a table of scores per picture, and one per viewing.

Beside every model stand the centre bias, a uniform map, and the ceiling: each viewer predicted from all others. Scores at
fixations are those of `fixation`, scores of whole maps those of `fixation_maps`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xgaze.evaluation.intervals.participants import ANY, SHARES, mean_interval
from xgaze.evaluation.looking.fixation_maps import correlation, kl_divergence, similarity
from xgaze.evaluation.looking.fixation_scores import auc_judd, information_gain, inside, nss, shuffled_auc
from xgaze.evaluation.looking.saliency_baselines import blurred_fixations, maps_of_others

CENTRE, UNIFORM, CEILING = "centre bias", "uniform", "other viewers"
AT_FIXATIONS = ("auc_judd", "shuffled_auc", "nss", "information_gain")
OF_MAPS = ("cc", "sim", "kl")
METRICS = (*AT_FIXATIONS, *OF_MAPS)
WITHIN = {"auc_judd": SHARES, "shuffled_auc": SHARES, "sim": SHARES, "cc": (-1.0, 1.0)}
"""Between which values scores can lie; the others anywhere."""
PER_VIEWER = ("shuffled_auc", "nss", "information_gain")
"""Scores that are means over fixations, so that they can be taken per viewer."""
Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture, its size (width, height) in px, where each viewer looked (n, 2), and where people looked on other pictures
    (m, 2), all in px of this one. centre: the centre bias on it (height, width)."""

    name: str
    size: tuple[int, int]
    viewers: Mapping[str, Points]
    elsewhere: Points
    centre: NDArray[np.float64]


def seen_picture(
    name: str,
    size: tuple[int, int],
    viewers: Mapping[str, ArrayLike],
    elsewhere: ArrayLike,
    centre: NDArray[np.float64],
) -> Seen:
    """Fixations outside the picture, and viewers left without any, do not count. Raises ValueError where none is left."""
    own = {viewer: _inside(points, size) for viewer, points in viewers.items()}
    kept = {viewer: points for viewer, points in own.items() if len(points)}
    if not kept:
        raise ValueError(f"{name}: nobody looked at it")
    return Seen(name, size, kept, _inside(elsewhere, size), centre)


def scores_on(
    picture: Seen, maps: Mapping[str, NDArray[Any]], sigma_px: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows {"model", "picture", metrics} of the maps (height, width), and rows {"model", "picture", "viewer", metrics}.

    The ceiling has no scores of whole maps: one viewer's map is no truth to compare all others' with.
    """
    everyone = np.concatenate(list(picture.viewers.values()))
    truth = blurred_fixations(everyone, picture.size, sigma_px)
    pictures, viewings = [], []
    for model, values in maps.items():
        row = {"model": model, "picture": picture.name, **at_fixations(values, everyone, picture)}
        pictures.append({**row, **of_maps(values, truth)})
        viewings += [
            {
                "model": model,
                "picture": picture.name,
                "viewer": viewer,
                **at_fixations(values, own, picture, PER_VIEWER),
            }
            for viewer, own in picture.viewers.items()
        ]
    ceiling = list(_ceiling(picture, sigma_px))
    if ceiling:
        means = {metric: float(np.mean([row[metric] for row in ceiling])) for metric in AT_FIXATIONS}
        pictures.append({"model": CEILING, "picture": picture.name, **means})
    return pictures, viewings + ceiling


def at_fixations(
    values: NDArray[Any], fixations_px: Points, picture: Seen, metrics: Sequence[str] = AT_FIXATIONS
) -> dict[str, float]:
    """Scores of a map at some of the picture's fixations; NaN for a shuffled AUC where nobody looked elsewhere."""
    told = {
        "auc_judd": lambda: auc_judd(values, fixations_px),
        "shuffled_auc": lambda: (
            shuffled_auc(values, fixations_px, picture.elsewhere) if len(picture.elsewhere) else np.nan
        ),
        "nss": lambda: nss(values, fixations_px),
        "information_gain": lambda: information_gain(values, picture.centre, fixations_px),
    }
    return {metric: told[metric]() for metric in metrics}


def of_maps(values: NDArray[Any], truth: NDArray[np.float64]) -> dict[str, float]:
    """Scores of a map against the blurred fixations."""
    return {"cc": correlation(values, truth), "sim": similarity(values, truth), "kl": kl_divergence(values, truth)}


def summary(
    pictures: pd.DataFrame, viewings: pd.DataFrame, pairs: Sequence[tuple[str, str]], seed: int = 0
) -> dict[str, Any]:
    """Means with 95 % intervals: "scores" per model and metric, and "differences", first minus second, paired by picture or by
    viewing. "over_pictures" everywhere, "over_viewers" where a score can be taken per viewer."""
    models = list(dict.fromkeys(pictures["model"]))
    scores = {
        model: {metric: _both(pictures, viewings, metric, model, None, seed) for metric in METRICS} for model in models
    }
    differences = [
        {"first": first, "second": second, "metric": metric, **_both(pictures, viewings, metric, first, second, seed)}
        for first, second in pairs
        for metric in METRICS
    ]
    return {"scores": scores, "differences": differences}


def _both(
    pictures: pd.DataFrame, viewings: pd.DataFrame, metric: str, first: str, second: str | None, seed: int
) -> dict[str, Any]:
    by_viewer = metric in PER_VIEWER
    return {
        "over_pictures": _interval(pictures, metric, first, second, "picture", seed),
        "over_viewers": _interval(viewings, metric, first, second, "viewer", seed) if by_viewer else None,
    }


def _interval(
    table: pd.DataFrame, metric: str, first: str, second: str | None, unit: str, seed: int
) -> dict[str, float | None] | None:
    """{"mean", "low", "high"} over `unit`; None where the score is defined nowhere, no ends where there is only one unit."""
    keys = [key for key in ("picture", "viewer") if key in table]
    values = table[table["model"] == first].set_index(keys)[metric]
    if second is not None:
        values = values - table[table["model"] == second].set_index(keys)[metric]
    values = values.dropna()
    if values.empty:
        return None
    within = WITHIN.get(metric, ANY) if second is None else ANY
    return asdict(mean_interval(values.to_numpy(), values.index.get_level_values(unit).to_numpy(str), seed, within))


def _ceiling(picture: Seen, sigma_px: float) -> Iterator[dict[str, Any]]:
    viewers = list(picture.viewers.items())
    for k, others in maps_of_others([own for _, own in viewers], picture.size, sigma_px):
        viewer, own = viewers[k]
        yield {"model": CEILING, "picture": picture.name, "viewer": viewer, **at_fixations(others, own, picture)}


def _inside(points_px: ArrayLike, size: tuple[int, int]) -> Points:
    points = np.asarray(points_px, np.float64).reshape(-1, 2)
    return points[inside(points, size)]
