"""Tiles of a treemap: areas in proportion, nothing overlaps, near to squares; names and counts as text."""

from itertools import combinations
from xml.etree import ElementTree

import pytest

from xgaze.report.drawing.svg import BLUE
from xgaze.report.drawing.treemap import Tile, squarified, treemap

EXAMPLE = [6, 6, 4, 3, 2, 2, 1]  # of Bruls, Huizing and van Wijk, in a box of 6 by 4


def test_the_published_example_comes_out_as_published():
    boxes = squarified(EXAMPLE, (0, 0, 6, 4))
    assert [pytest.approx(one) for one in boxes[:4]] == [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, 12 / 7, 7 / 3),
        (3 + 12 / 7, 0, 9 / 7, 7 / 3),
    ]


@pytest.mark.parametrize("sizes", [EXAMPLE, [1], [1000, 1, 1, 1], [5] * 300, [2.0**-k for k in range(60)]])
def test_areas_are_in_proportion_and_fill_the_box_without_overlap(sizes):
    boxes = squarified(sizes, (10, 20, 300, 200))
    assert [w * h for _, _, w, h in boxes] == pytest.approx([300 * 200 * one / sum(sizes) for one in sizes])
    for x, y, w, h in boxes:
        assert x > 10 - 1e-6 and x + w < 310 + 1e-6 and y > 20 - 1e-6 and y + h < 220 + 1e-6
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
        across, down = min(ax + aw, bx + bw) - max(ax, bx), min(ay + ah, by + bh) - max(ay, by)
        assert across < 1e-6 or down < 1e-6


def test_of_nothing_there_is_nothing():
    assert squarified([], (0, 0, 1, 1)) == []


def test_tiles_tell_what_they_are_and_hostile_names_are_text():
    tiles = [Tile("<b>", 3, "3 kB", 'of "<b>"', BLUE, kept=0.25), Tile("none", 0, "", "none", BLUE)]
    svg = ElementTree.fromstring(treemap("t", "Bytes & more", "Areas", tiles).svg)
    names = [one.text for one in svg.iter() if one.tag.endswith("title")]
    assert names == ["Bytes & more", 'of "<b>"'] and svg.get("role") == "img"
    heights = [float(one.get("height")) for one in svg.iter() if one.tag.endswith("rect")]
    assert heights[1] == pytest.approx(0.25 * heights[0], abs=0.1)  # a quarter is filled
    assert [one.text for one in svg.iter() if one.tag.endswith("text")] == ["<b>", "3 kB"]
