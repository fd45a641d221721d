"""Seconds per human attention map, against one 500x500 window per fixation: `python benchmarks/attention_maps.py`.

The loop fills the window point by point, as published code does; "numpy window" fills it at once and adds it per fixation.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.photographs.attention import SIGMA_PX, WINDOW_PX, attention_map

SIZE = (500, 375)
Points = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixations", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    figures = measure(asked.fixations, asked.pictures)
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"{SIZE[0]}x{SIZE[1]} px, {asked.fixations} fixations, CPU ms per map")
    for way in ("loop", "numpy window", "xgaze"):
        print(f"{way:>14} {figures[way]:10.2f}")
    print(f"{figures['times_faster']:.0f} times faster than the loop; largest difference {figures['difference']:.1e}")


def measure(fixations: int, pictures: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    points, durations = rng.uniform((0, 0), SIZE, (fixations, 2)), rng.uniform(100, 800, fixations)
    plain, loop_ms = timed(lambda: stretched(windows(points, durations, window_by_loop)), 1)
    _, numpy_ms = timed(lambda: stretched(windows(points, durations, window_at_once)), 5)
    ours, our_ms = timed(lambda: attention_map(points, durations, SIZE), pictures)
    difference = float(np.abs(plain - ours).max())
    figures = {"loop": loop_ms, "numpy window": numpy_ms, "xgaze": our_ms, "difference": difference}
    return {**figures, "times_faster": loop_ms / our_ms, "times_faster_than_numpy_window": numpy_ms / our_ms}


def timed(call: Callable[[], Any], times: int) -> tuple[Any, float]:
    """What the call gives, and CPU ms per call."""
    found = call()
    start = time.process_time()
    for _ in range(times):
        call()
    return found, 1e3 * (time.process_time() - start) / times


def windows(points: Points, durations: Points, window: Callable[[], Points]) -> Points:
    """One window per fixation, added on a margin and cut to the picture."""
    width, height = SIZE
    total = np.zeros((height + 2 * WINDOW_PX, width + 2 * WINDOW_PX))
    for (x, y), duration in zip(points.astype(int), durations, strict=True):
        left, top = x + WINDOW_PX // 2, y + WINDOW_PX // 2
        total[top : top + WINDOW_PX, left : left + WINDOW_PX] += duration * window()
    return total[WINDOW_PX : WINDOW_PX + height, WINDOW_PX : WINDOW_PX + width]


def window_by_loop() -> Points:
    filled = np.zeros((WINDOW_PX, WINDOW_PX))
    for row in range(WINDOW_PX):
        for column in range(WINDOW_PX):
            square = (row - WINDOW_PX // 2) ** 2 + (column - WINDOW_PX // 2) ** 2
            filled[row, column] = math.exp(-square / (2 * SIGMA_PX**2))
    return filled


def window_at_once() -> Points:
    away = np.arange(WINDOW_PX) - WINDOW_PX // 2
    return np.exp(-(away[:, None] ** 2 + away[None, :] ** 2) / (2 * SIGMA_PX**2))


def stretched(total: Points) -> Points:
    return (total - total.min()) / np.ptp(total)


if __name__ == "__main__":
    main()
