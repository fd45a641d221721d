"""At what anatomy does a model look, and what does it need? Mass, density and deletion effect per region.

Mass and density are of the attribution; the deletion effect asks the model itself: how far the prediction moves, and how much
the error grows, when a region's pixels are replaced by the baseline.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.explanation.test_set.perturbation import Perturbed, region_masks
from xgaze.explanation.test_set.regions import region_shares
from xgaze.explanation.test_set.stored_intervals import Stored, stored_interval


def anatomy_figures(
    model: str,
    subject: Perturbed,
    maps: Sequence[NDArray[np.float32]],
    regions: NDArray[np.uint8],
    names: Sequence[str],
    truth: NDArray[np.float64] | None,
) -> dict[str, float]:
    """Figures of one sample and model; regions not in view are left out.

    regions (inputs, H, W) labels, indices into `names`. truth (2,) px, or None for classes, whose error does not grow in the
    unit of the prediction.
    """
    shares = region_shares(maps, regions, names)
    figures = {}
    for name, (mass, area) in shares.items():
        figures[f"mass/{model}/{name}"] = mass
        figures[f"density/{model}/{name}"] = mass / area
        figures[f"area/{model}/{name}"] = area
    full = subject.predictions(region_masks(regions, [len(names)]))  # a label nothing has
    without = subject.predictions(region_masks(regions, [k for k, name in enumerate(names) if name in shares]))
    moved = np.linalg.norm(without - full, axis=1)
    figures |= {f"deletion/{model}/{name}": float(one) for name, one in zip(shares, moved, strict=True)}
    if truth is not None:
        grown = np.linalg.norm(without - truth, axis=1) - np.linalg.norm(full - truth, axis=1)
        figures |= {f"growth/{model}/{name}": float(one) for name, one in zip(shares, grown, strict=True)}
    return figures


def anatomy_section(
    table: pd.DataFrame, people: NDArray[Any], names: Sequence[str], models: Sequence[str]
) -> dict[str, Any] | None:
    """rows per model and region, and student minus teacher, with intervals over `people` (n,); None without regions.

    A region seen in fewer than two people is left out.
    """
    seen = [name for name in names if f"mass/{models[0]}/{name}" in table]
    rows = [row for model in models for name in seen if (row := _row(table, people, model, name)) is not None]
    if not rows:
        return None
    pairs = [(name, _differences(table, people, models[0], models[1], name)) for name in seen if len(models) > 1]
    return {"rows": rows, "differences": [{"region": name, **found} for name, found in pairs if found is not None]}


def _row(table: pd.DataFrame, people: NDArray[Any], model: str, name: str) -> dict[str, Any] | None:
    kinds = {"mass_percent": "mass", "density": "density", "deletion": "deletion", "error_growth": "growth"}
    found = {key: _over(table, people, f"{kind}/{model}/{name}") for key, kind in kinds.items()}
    if not _seen_in_several(found["mass_percent"]):
        return None
    area = float(table[f"area/{model}/{name}"].mean())
    return {"model": model, "region": name, "area_percent": area, **found}


def _differences(
    table: pd.DataFrame, people: NDArray[Any], teacher: str, student: str, name: str
) -> dict[str, Any] | None:
    found = {
        key: stored_interval(table[f"{kind}/{student}/{name}"] - table[f"{kind}/{teacher}/{name}"], people)
        for key, kind in (("mass_percent", "mass"), ("deletion", "deletion"))
    }
    return found if _seen_in_several(found["mass_percent"]) else None


def _seen_in_several(mass: Stored | None) -> bool:
    return mass is not None and mass["low"] is not None


def _over(table: pd.DataFrame, people: NDArray[Any], column: str) -> Stored | None:
    return stored_interval(table[column], people) if column in table else None
