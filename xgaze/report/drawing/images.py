"""Eye images and signed attribution maps as data URIs, all maps of a figure on one colour scale."""

import base64
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

POSITIVE, NEGATIVE = (230, 97, 1), (94, 60, 153)  # PuOr: orange raises the figure, purple lowers it
PERCENTILE = 99.5
PAPER, VISIBLE = 238, 0.45  # the eye shines through faintly where there is little attribution
WIDEST_PX = 360  # pictures are shown some 170 px wide: more would only make the page heavy
SAMPLES_SHOWN = 6
METHOD_SAMPLES_SHOWN = 1  # other methods' maps of more samples would make the page heavy; maps.npz holds them

Maps = Mapping[str, NDArray[Any]]
Refused = Mapping[tuple[str, str], str]


def common_scale(maps: Iterable[NDArray[Any]]) -> float:
    """Attribution per pixel at full colour: the 99.5th percentile of absolute values over all maps given."""
    values = np.concatenate([np.abs(one).ravel() for one in maps])
    return max(float(np.percentile(values, PERCENTILE)), 1e-12)


def picture_uri(image: NDArray[np.uint8]) -> str:
    """uint8 (1 or 3, H, W) -> WebP data URI."""
    return _webp(np.moveaxis(image, 0, -1) if len(image) == 3 else image[0])


def map_uri(attribution: NDArray[Any], image: NDArray[np.uint8], scale: float) -> str:
    """Signed (H, W) map over its faint eye image (channels, H, W) -> WebP data URI. A coarser map is enlarged."""
    fitted = _fitted(attribution, image.shape[1:])[..., None]
    strength = np.clip(np.abs(fitted) / scale, 0, 1) ** 0.7
    beneath = PAPER + VISIBLE * (image.mean(axis=0)[..., None] - PAPER)
    colour = np.where(fitted >= 0, POSITIVE, NEGATIVE)
    return _webp(((1 - strength) * beneath + strength * colour).round().astype(np.uint8))


def _fitted(attribution: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if attribution.shape == shape:
        return attribution
    whole = Image.fromarray(np.asarray(attribution, np.float32))
    return np.asarray(whole.resize((shape[1], shape[0]), Image.Resampling.NEAREST))


def _webp(pixels: NDArray[np.uint8]) -> str:
    file, picture = io.BytesIO(), Image.fromarray(pixels)
    picture.thumbnail((WIDEST_PX, WIDEST_PX), Image.Resampling.BOX)
    picture.save(file, "WEBP", quality=66, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def sample_views(
    attribution: dict[str, Any], inputs: list[str], maps: Maps, refused: Refused | None = None
) -> list[dict[str, Any]]:
    """Per sample: its pictures (inputs: their names; there may be none), one grid of maps per target, and one per other method
    and target that it answered. refused: models and targets whose maps are not to be trusted, with the reason, which stands in
    their place."""
    return [
        {
            "name": f"sample-{k}",
            "sample": sample,
            "eyes": [{"input": one, "uri": picture_uri(maps[f"{k}/image/{one}"])} for one in inputs],
            "grids": [
                _target_grid(attribution, k, target, inputs, maps, refused or {})
                for target in (targets_of(sample) if inputs else [])
            ],
            "methods": _method_grids(attribution, k, inputs, maps) if inputs and k < METHOD_SAMPLES_SHOWN else [],
        }
        for k, sample in enumerate(attribution["samples"][:SAMPLES_SHOWN])
    ]


def targets_of(sample: dict[str, Any]) -> list[str]:
    """What was asked of this sample, in order; for classes another sample may have been asked for another class."""
    return list(next(iter(sample["completeness_percent"].values())))


def _target_grid(
    attribution: dict[str, Any], k: int, target: str, inputs: list[str], maps: Maps, refused: Refused
) -> dict[str, Any]:
    sample = attribution["samples"][k]
    models = list(sample["completeness_percent"])
    own = {model: [maps[f"{k}/{model}/{target}/{one}"] for one in inputs] for model in models}
    grid = _grid(own, [maps[f"{k}/image/{one}"] for one in inputs], inputs)
    for row in grid["rows"]:
        model = row["model"]
        row["completeness"] = sample["completeness_percent"][model][target]
        row["explained"] = sample["explained"][model][target]
        row["refused"] = refused.get((model, target))
        for cell in row["cells"]:
            cell["share"] = sample["share_percent"][model][target][cell["input"]]
    return {**grid, "target": target, "unit": attribution["target_unit"]}


def _method_grids(attribution: dict[str, Any], k: int, inputs: list[str], maps: Maps) -> list[dict[str, Any]]:
    """Other methods draw on scales of their own: their units differ. They answer some of the targets only."""
    models = list(attribution["samples"][k]["completeness_percent"])
    grids = []
    for target in targets_of(attribution["samples"][k]):
        starts = [f"{k}/{model}/{target}/{inputs[0]}/" for model in models]
        names = dict.fromkeys(key.removeprefix(start) for start in starts for key in maps if key.startswith(start))
        for name in names:
            keys = {model: [f"{k}/{model}/{target}/{one}/{name}" for one in inputs] for model in models}
            own = {model: [maps[one] for one in wanted] for model, wanted in keys.items() if wanted[0] in maps}
            grid = _grid(own, [maps[f"{k}/image/{one}"] for one in inputs], inputs)
            grids.append({**grid, "method": name, "target": target})
    return grids


def _grid(own: dict[str, list[NDArray[Any]]], eyes: list[NDArray[Any]], inputs: list[str]) -> dict[str, Any]:
    scale = common_scale(one for row in own.values() for one in row)
    rows = [
        {
            "model": model,
            "cells": [
                {"input": name, "uri": map_uri(one, eye, scale)}
                for name, one, eye in zip(inputs, row, eyes, strict=True)
            ],
        }
        for model, row in own.items()
    ]
    return {"scale": scale, "rows": rows, "inputs": inputs}
