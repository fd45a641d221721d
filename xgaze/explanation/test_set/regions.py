"""Where on the eye the attribution lies: its share per anatomical region, beside the region's share of the picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def region_shares(
    maps: Sequence[NDArray[np.float32]], regions: NDArray[np.uint8], names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Region name -> (% of absolute attribution, % of area) over all inputs.

    maps: one (H, W) per input. regions: (inputs, H, W) labels, indices into `names`. Regions not in view are left out.
    """
    mass = np.abs(np.stack(maps)).astype(np.float64)
    if mass.shape != regions.shape:
        raise ValueError(f"maps {mass.shape} and regions {regions.shape} must have the same shape")
    attributed = np.bincount(regions.ravel(), mass.ravel(), minlength=len(names))
    area = np.bincount(regions.ravel(), minlength=len(names))
    total = max(attributed.sum(), 1e-30)
    return {
        name: (100 * float(attributed[k] / total), 100 * float(area[k] / area.sum()))
        for k, name in enumerate(names)
        if area[k]
    }


def mean_shares(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of (model, target, region, share_percent, area_percent) averaged over samples, in order of appearance."""
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["model"], row["target"], row["region"]), []).append(row)
    figures = ("share_percent", "area_percent")
    return [
        dict(zip(("model", "target", "region"), key, strict=True))
        | {name: float(np.mean([one[name] for one in group])) for name in figures}
        for key, group in grouped.items()
    ]
