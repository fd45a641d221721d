"""Images per second of the renderer on one core: `python benchmarks/rendering.py`."""

import time

import torch

from xgaze.data.rendered import CAMERAS, render_participant

SIZES = ((128, 160, 10), (144, 180, 10), (576, 720, 2))
FRAMES = 12


def main() -> None:
    """Print one line per size; the first rendering of a size is left out, since it warms caches."""
    torch.set_num_threads(1)
    for height, width, people in SIZES:
        render_participant(0, 1, height, width)
        start = time.perf_counter()
        for number in range(people):
            render_participant(number, FRAMES, height, width)
        images = people * FRAMES * len(CAMERAS)
        print(f"{height}x{width}: {images / (time.perf_counter() - start):.0f} images/s")


if __name__ == "__main__":
    main()
