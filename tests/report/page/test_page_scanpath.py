"""Scanpaths and graphs in the report: drawn with their numbers beside them, marked where they are refused."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from xgaze.report.page.page import render_page
from xgaze.report.sections.details.scanpath_attribution import drawn_of
from xgaze.report.sections.details.scanpath_tables import drawn_tables

MODELS, TARGET = ("teacher", "student"), "class ASD"
WORTH = {"teacher": [0.5, -1.25, 0.0, 2.0], "student": [0.25, -2.5, 0.125, 1.0]}


def per_model(values):
    return {model: {TARGET: values[model]} for model in MODELS}


def features(names):
    return per_model({model: dict.fromkeys(names, sum(WORTH[model]) / len(names)) for model in MODELS})


SCANPATH = {
    "size_px": [800, 600],
    "x_px": [100.0, 420.0, 640.0, 300.0],
    "y_px": [80.0, 300.0, 500.0, 210.0],
    "duration_ms": [180.0, 240.0, 512.0, 90.0],
    "by_fixation": per_model(WORTH),
    "by_feature": features(("x", "y", "duration")),
}
GRAPH = {
    "size_px": [800, 600],
    "grid": 10,
    "cells": [11, 45, 58, 99],
    "x_px": [120.0, 440.0, 680.0, 760.0],
    "y_px": [90.0, 270.0, 330.0, 570.0],
    "time_share": [0.4, 1.0, 0.2, 0.7],
    "edges": [{"from": 11, "to": 45, "length": 1.0}, {"from": 45, "to": 58, "length": 0.4}],
    "by_node": per_model(WORTH),
    "by_feature": features(("x of the cell", "time spent")),
}


@pytest.fixture
def read_as(rich_of):
    """A report of a model that reads no pictures, whose first sample holds a scanpath or a graph."""

    def made(kind):
        report, _ = rich_of("class")
        scanpath = kind == "scanpath"
        shapes = {"sequence": [30, 3], "length": [1]} if scanpath else {"nodes": [100, 5], "edges": [100, 100]}
        report["inputs"] = [{"name": name, "shape": shape} for name, shape in shapes.items()]
        report["groups"], report["agreement"]["groups"], report["agreement"]["pixels"] = "stimuli", "stimuli", False
        (sample,) = report["attribution"]["samples"]
        sample[kind] = SCANPATH if scanpath else GRAPH
        sample.pop("shapley", None)
        return report

    return made


@pytest.mark.parametrize("kind", ["scanpath", "graph"])
def test_each_is_drawn_with_its_features_and_both_have_their_numbers_in_a_table(read_as, kind):
    page = render_page(read_as(kind), {})
    assert "<img" not in page and "Orange pixels" not in page
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    own = [one for one in figures if "fixations count" in one or "cells count" in one or "features count" in one]
    assert len(own) == 2 and all("<table" in one for one in own)
    for one in own:
        drawing = re.search(r"<svg.*?</svg>", one, re.DOTALL).group()
        ElementTree.fromstring(drawing)
        assert "#e66101" not in drawing and "#5e3c99" not in drawing  # the page's own, so that dark mode works
        assert ">stimulus" in drawing or "on the stimulus" in drawing or "ASD, logit" in drawing
    first = own[0]
    assert "var(--c-plus)" in first and "var(--c-minus)" in first
    assert "full colour at 2.5 logit per" in first and "both models share this scale" in first
    assert "teacher: explains \u221271.900 logit, 0.50 % unexplained" in first


def test_fixations_are_numbered_and_their_circles_grow_with_their_duration(read_as):
    (drawn,) = drawn_of(read_as("scanpath"))
    table = drawn_tables([drawn])[drawn.name]
    assert [[cell.value for cell in row] for row in table.rows] == [
        [k + 1, SCANPATH["x_px"][k], SCANPATH["y_px"][k], SCANPATH["duration_ms"][k], *(WORTH[m][k] for m in MODELS)]
        for k in range(4)
    ]
    page = render_page(read_as("scanpath"), {})
    assert "longest: 512 ms" in page
    for number in "1234":
        assert len(re.findall(rf"<text[^>]*>{number}</text>", page)) >= 2  # in both panels


def test_cells_are_named_by_column_and_row(read_as):
    (drawn,) = drawn_of(read_as("graph"))
    table = drawn_tables([drawn])[drawn.name]
    assert [row[0].text for row in table.rows] == [
        "column 2, row 2",
        "column 6, row 5",
        "column 9, row 6",
        "column 10, row 10",
    ]
    assert np.allclose([row[-1].value for row in table.rows], WORTH["student"])


def test_what_is_refused_is_not_drawn_but_said(read_as):
    report = read_as("scanpath")
    verdict = {**report["methods"][0], "name": "integrated gradients", "offered": False, "reason": "leaves much."}
    report["methods"] = [{**verdict, "role": "student"}]
    (drawn,) = drawn_of(report)
    assert list(drawn.values) == ["teacher"] and drawn.scale == 2
    page = render_page(report, {})
    assert "Refused for the student: leaves much." in page and "student: explains" not in page
    report["methods"].append({**verdict, "role": "teacher"})
    page = render_page(report, {})
    assert "Refused for the teacher: leaves much." in page and "fixations count" not in page


def test_intervals_are_said_to_be_over_what_splits_keep_apart(read_as):
    page = render_page(read_as("scanpath"), {})
    assert "95 % intervals over stimuli. An untrained" in page and "Do the strongest values matter?" in page
    assert "20 test stimuli." in page
