"""Maps of predicted looking per second, towers passed over whole pictures against crops in batches:
`python benchmarks/saliency.py`. Random weights: the time does not depend on them."""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from xgaze.data.contract import InputSpec, Spec
from xgaze.data.crops.crops import CROP_PX, SCALES, input_name
from xgaze.models.architectures.saliency_map import map_by_crops, map_by_pictures
from xgaze.models.registry import build

VARIANTS = {"MrCNN": {}, "MrCNNs": {"share_towers": True}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=list(VARIANTS), default="MrCNNs")
    parser.add_argument("--grid", type=int, default=50, help="cells along each side (default 50)")
    parser.add_argument("--pictures", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    figures = measure(asked.variant, (asked.grid, asked.grid), asked.pictures)
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{asked.variant}, {asked.grid}x{asked.grid} cells, photographs of 800x600 px, per CPU second")
    print(f"crops in batches  {figures['crops']['pictures_per_second']:8.3f} pictures/s")
    print(f"whole pictures    {figures['pictures']['pictures_per_second']:8.3f} pictures/s")
    print(
        f"{figures['times_faster']:.1f} times faster; largest difference {figures['difference']:.1e}, "
        f"values from {figures['range'][0]:.2f} to {figures['range'][1]:.2f}"
    )


def measure(variant: str, grid: tuple[int, int], pictures: int) -> dict[str, Any]:
    spec = Spec(
        tuple(InputSpec(input_name(scale), (3, CROP_PX, CROP_PX), 114.0, 57.0) for scale in SCALES),
        "class",
        unit="AUC",
        classes=("no", "yes"),
    )
    torch.manual_seed(0)
    model = build("mrcnn", VARIANTS[variant], spec)
    with torch.no_grad():  # batch normalisation as after training, so that the maps are not flat
        model(*(torch.randn(16, 3, CROP_PX, CROP_PX) for _ in SCALES))
    coarse = np.random.default_rng(0).integers(0, 256, (3, 30, 40), dtype=np.uint8)
    photograph = coarse.repeat(20, axis=1).repeat(20, axis=2)
    slow, slow_s = timed(lambda: map_by_crops(model, spec, photograph, grid), pictures)
    fast, fast_s = timed(lambda: map_by_pictures(model, spec, photograph, grid), pictures)
    return {
        "variant": variant,
        "grid": list(grid),
        "crops": {"seconds": slow_s, "pictures_per_second": 1 / slow_s},
        "pictures": {"seconds": fast_s, "pictures_per_second": 1 / fast_s},
        "times_faster": slow_s / fast_s,
        "difference": float(np.abs(slow - fast).max()),
        "range": [float(slow.min()), float(slow.max())],
    }


def timed(call: Callable[[], Any], times: int) -> tuple[Any, float]:
    """What the call gives, and its CPU seconds."""
    start = time.process_time()
    for _ in range(times):
        found = call()
    return found, (time.process_time() - start) / times


if __name__ == "__main__":
    main()
