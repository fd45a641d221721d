"""Eye images and signed attribution maps as data URIs, all maps of a target on one colour scale."""

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

Maps = Mapping[str, NDArray[Any]]


def common_scale(maps: Iterable[NDArray[Any]]) -> float:
    """Attribution per pixel at full colour: the 99.5th percentile of absolute values over all maps given."""
    values = np.concatenate([np.abs(one).ravel() for one in maps])
    return max(float(np.percentile(values, PERCENTILE)), 1e-12)


def picture_uri(image: NDArray[np.uint8]) -> str:
    """uint8 (1 or 3, H, W) -> WebP data URI."""
    return _webp(np.moveaxis(image, 0, -1) if len(image) == 3 else image[0])


def map_uri(attribution: NDArray[Any], image: NDArray[np.uint8], scale: float) -> str:
    """Signed (H, W) map over its faint eye image (channels, H, W) -> WebP data URI."""
    strength = np.clip(np.abs(attribution) / scale, 0, 1)[..., None] ** 0.7
    beneath = PAPER + VISIBLE * (image.mean(axis=0)[..., None] - PAPER)
    colour = np.where(attribution[..., None] >= 0, POSITIVE, NEGATIVE)
    return _webp(((1 - strength) * beneath + strength * colour).round().astype(np.uint8))


def _webp(pixels: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=82, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def attribution_grids(attribution: dict[str, Any], inputs: list[str], maps: Maps) -> list[dict[str, Any]]:
    """Per sample and target: rows of pictures, columns of inputs, and the colour scale they share."""
    return [
        _grid(sample, k, target, inputs, maps, attribution["target_unit"])
        for k, sample in enumerate(attribution["samples"])
        for target in attribution["targets"]
    ]


def _grid(sample: dict[str, Any], k: int, target: str, inputs: list[str], maps: Maps, unit: str) -> dict[str, Any]:
    models = list(sample["completeness_percent"])
    own = {model: [maps[f"{k}/{model}/{target}/{name}"] for name in inputs] for model in models}
    eyes = [maps[f"{k}/image/{name}"] for name in inputs]
    scale = common_scale(one for row in own.values() for one in row)
    rows = [
        {
            "model": model,
            "completeness": sample["completeness_percent"][model][target],
            "explained": sample["explained"][model][target],
            "cells": [
                {"input": name, "uri": map_uri(one, eye, scale), "share": sample["share_percent"][model][target][name]}
                for name, one, eye in zip(inputs, own[model], eyes, strict=True)
            ],
        }
        for model in models
    ]
    return {
        "sample": sample,
        "target": target,
        "unit": unit,
        "scale": scale,
        "eyes": [{"input": name, "uri": picture_uri(eye)} for name, eye in zip(inputs, eyes, strict=True)],
        "rows": rows,
    }
