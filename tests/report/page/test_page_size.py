"""The page of a default run, with pictures and maps as hard to compress as real ones, stays small enough to send by mail."""

import re

import numpy as np
import pytest

from xgaze.report.page.page import render_page

LIMIT_BYTES = 1_000_000
SIZE_PX, CAMERAS, SAMPLES = (128, 160), 4, 3
OTHER_METHODS = ("saliency", "input x gradient", "GradientShap", "Grad-CAM", "occlusion")


@pytest.fixture(scope="module")
def page(rich_of):
    report, maps = rich_of("gaze", SIZE_PX, CAMERAS, SAMPLES)
    rng = np.random.default_rng(0)
    texture = rng.normal(0, 9, (CAMERAS, 1, *SIZE_PX))
    for name, one in maps.items():
        if "/image/" in name:
            maps[name] = (one + texture[int(name[-1])]).clip(0, 255).astype(np.uint8)
        elif name.count("/") == 3:  # a gradient is speckled, strong at few pixels
            maps[name] = (one * rng.standard_t(2, SIZE_PX)).astype(np.float32)
    for key in [name for name in maps if name.startswith("0/") and name.split("/")[2] == "error"]:
        start = "/".join(key.split("/")[:4])
        maps |= {f"{start}/{method}": maps[start] for method in OTHER_METHODS}
    first = report["per_participant"][0]
    report["per_participant"] = [{**first, "group": f"P{k:06d}", "teacher": 20 + k / 7} for k in range(160)]
    return render_page(report, maps)


def test_a_page_of_three_samples_is_under_a_megabyte(page):
    assert len(page.encode()) < LIMIT_BYTES


def test_its_pictures_are_as_many_and_as_heavy_as_those_of_a_real_run(page):
    """A real page of the default recipe holds 116 pictures of 2.5 kB: without this the limit would be easy to keep."""
    pictures = [len(one) for one in re.findall(r'src="data:image/webp;base64,([^"]+)"', page)]
    assert len(pictures) == CAMERAS * SAMPLES * (1 + 2 * 3) + CAMERAS * 2 * len(OTHER_METHODS) == 124
    assert 2_000 < np.mean(pictures) < 4_500
