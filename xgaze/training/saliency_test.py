"""How well models of crops predict where people look on test photographs, beside trivial maps and other people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.artifacts import write_csv, write_json
from xgaze.data.contract import Recording, Spec
from xgaze.data.looked_at import LookedAt, PicturesLookedAt
from xgaze.errors import InputError
from xgaze.evaluation.looking.centre_bias import CentreBias, fit_centre_bias
from xgaze.evaluation.looking.fixation_scores import rescaled
from xgaze.evaluation.looking.saliency_baselines import uniform
from xgaze.evaluation.looking.saliency_scores import CENTRE, UNIFORM, Seen, scores_on, seen_picture, summary
from xgaze.models.architectures.mrcnn import MrCNN
from xgaze.models.architectures.saliency_map import enlarged, saliency_map
from xgaze.models.layers import FeatureHead
from xgaze.progress import Advance
from xgaze.writing import together

TABLE, VIEWINGS, FIGURES = "saliency.csv", "saliency_viewings.csv", "saliency.json"
WITH_CENTRE = "{} x centre bias"
"""A model's map times the centre bias: what the picture tells and where people look anyway."""
FEWEST = 2
"""Training photographs of a centre bias: its bandwidth is chosen by leaving one out."""


@dataclass(frozen=True, eq=False)
class SaliencyScores:
    """pictures and viewings: one row per model and picture, or viewing. figures: their summary, for JSON."""

    pictures: pd.DataFrame
    viewings: pd.DataFrame
    figures: dict[str, Any]

    def write(self, folder: Path) -> None:
        """The tables and their summary, all or none."""
        with together(folder, FIGURES) as made:
            write_csv(made / TABLE, self.pictures)
            write_csv(made / VIEWINGS, self.viewings)
            write_json(made / FIGURES, self.figures)


def score_saliency(
    models: Mapping[str, FeatureHead],
    recording: Recording,
    most: int | None = None,
    seed: int = 0,
    advance: Advance | None = None,
) -> SaliencyScores:
    """Maps of all models on the test photographs (`most` of them, drawn by seed), scored. The centre bias is fitted on training
    photographs. Raises InputError for other recordings and models."""
    looks = require_looked_at(recording)
    networks = {name: _require_map(model, name) for name, model in models.items()}
    split: dict[str, str] = dict(recording.table[["group", "split"]].drop_duplicates().itertuples(index=False))
    test = [k for k, one in enumerate(looks.pictures) if split.get(one.name) == "test"]
    bias = _centre_bias([one for one in looks.pictures if split.get(one.name) == "train"])
    chosen = np.sort(np.random.default_rng(seed % 2**63).permutation(test)[:most])
    pictures: list[dict[str, Any]] = []
    viewings: list[dict[str, Any]] = []
    for done, k in enumerate(chosen, start=1):
        seen = _seen(looks.pictures, test, int(k), bias)
        maps = maps_on(networks, recording.spec, looks.photographs.pixels(int(k)), seen)
        for rows, more in zip((pictures, viewings), scores_on(seen, maps, looks.sigma_px), strict=True):
            rows += more
        if advance:
            advance(done, len(chosen))
    tables = pd.DataFrame(pictures), pd.DataFrame(viewings)
    told = {
        "test_pictures": len(chosen),
        "viewers": int(tables[1]["viewer"].nunique()),
        "sigma_px": looks.sigma_px,
        "centre_bias_bandwidth": bias.bandwidth,
    }
    return SaliencyScores(*tables, {**told, **summary(*tables, pairs_of(list(models)), seed)})


def maps_on(
    models: Mapping[str, MrCNN], spec: Spec, photograph: NDArray[np.uint8], seen: Seen
) -> dict[str, NDArray[Any]]:
    """Every model's map, plain and times the centre bias, and the trivial ones: (height, width) each."""
    own = {name: enlarged(saliency_map(one, spec, photograph), seen.size) for name, one in models.items()}
    with_centre = {WITH_CENTRE.format(name): one * seen.centre for name, one in own.items()}
    return {**own, **with_centre, CENTRE: seen.centre, UNIFORM: uniform(seen.size)}


def pairs_of(models: Sequence[str]) -> list[tuple[str, str]]:
    """Every model, plain and times the centre bias, against the centre bias; and each later model against the first."""
    first, *later = models
    alone = [(name, CENTRE) for model in models for name in (model, WITH_CENTRE.format(model))]
    among = [(one.format(model), one.format(first)) for model in later for one in ("{}", WITH_CENTRE)]
    return alone + among


def require_looked_at(recording: Recording) -> PicturesLookedAt:
    """Raises InputError for a recording without photographs and single viewers' fixations."""
    if recording.looked_at is None:
        raise InputError("maps of looking are scored on photographs with fixations (source: fixation-crops).")
    return recording.looked_at


def _require_map(model: FeatureHead, name: str) -> MrCNN:
    if not isinstance(model, MrCNN):
        raise InputError(f"the {name} is a {type(model).__name__}; maps of looking are made by mrcnn.")
    return model


def _seen(looked_at: Sequence[LookedAt], test: Sequence[int], picture: int, bias: CentreBias) -> Seen:
    """A test photograph; elsewhere is where people looked on all other test photographs."""
    own = looked_at[picture]
    elsewhere = [
        rescaled(points, looked_at[k].size, own.size)
        for k in test
        if k != picture
        for points, _ in looked_at[k].looks.values()
    ]
    viewers = {viewer: points for viewer, (points, _) in own.looks.items()}
    places = np.concatenate(elsewhere) if elsewhere else np.zeros((0, 2))
    return seen_picture(own.name, own.size, viewers, places, bias.map((own.size[1], own.size[0])))


def _centre_bias(training: Sequence[LookedAt]) -> CentreBias:
    """Raises InputError for fewer than two photographs with fixations."""
    if len(training) < FEWEST:
        raise InputError(
            f"{len(training)} training photographs with fixations: the centre bias needs {FEWEST}. Give data.split more of them."
        )
    return fit_centre_bias([_shares(one) for one in training])


def _shares(picture: LookedAt) -> NDArray[np.float64]:
    return np.concatenate([points for points, _ in picture.looks.values()]) / picture.size
