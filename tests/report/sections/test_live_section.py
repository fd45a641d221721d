"""Try the student: what is said where there is nothing to run, and what the page holds where there is."""

import json
import re

import numpy as np
import pytest

from xgaze.report.page.page import render_page, sections_of
from xgaze.report.section import Run, with_every_key
from xgaze.report.sections.live_student import SECTION, kernels_known
from xgaze.report.sections.live_student.live_section import OLDER

WHY = "This page cannot run the student, as it does not know its layer 'LSTM' (<x>); `xgaze distill` makes another."
SAMPLE = {"id": "</script><b>", "group": "P1", "truth": [1.0, 2.0], "teacher": [1.0, 2.5]}
SAMPLE |= {"float": [1.00000012, 2.0], "int8": None}
LIVE = {
    "absent": None,
    "kind": "gaze",
    "unit": "px",
    "trusted": 0.01,
    "samples": [SAMPLE] * 8,
    "weights": "float16",
    "rounding": 0.02,
    "int8": None,
    "int8_absent": "There is no student in 8 bits: for a reason.",
    "float": {"steps": [], "tensors": {}, "inputs": [], "output": "y", "macs": 0},
    "picture_step": 12,
    "inputs": [{"name": "eye", "shape": [1, 8, 16], "picture": True, "coded": True, "blank": 40.0}],
    "error_as_shown": 20.5,
    "error_as_recorded": 20.25,
    "embedding": None,
}
MAPS = {"live/0": np.arange(3, dtype=np.float32), "live/input/eye": np.zeros((2, 8, 8, 16), np.uint8)}


@pytest.fixture
def page(gaze_run, undrawn):
    report, maps = gaze_run
    return lambda live: render_page({**report, "live": live}, {**maps, **MAPS})


def data_of(text):
    return json.loads(re.search(r'id="live-data">(.*?)</script>', text, re.S)[1])


def test_without_anything_said_of_it_the_page_is_the_same_to_the_byte(page, gaze_run):
    report, maps = gaze_run
    without = render_page(report, maps)
    assert 'id="live"' not in without and "Interpreter" not in without
    assert page(None).replace(',"live":null', "") == without


def test_why_there_is_nothing_to_run_is_said_without_any_script(page):
    text = page({"absent": WHY})
    assert "layer &#39;LSTM&#39; (&lt;x&gt;); <code>xgaze distill</code> makes another." in text
    assert 'class="live"' not in text and "Interpreter" not in text and '<li><a href="#live">' in text


def test_what_it_runs_is_there_exactly_and_once(page):
    text = page(LIVE)
    found = data_of(text)
    assert found["live"]["samples"][0]["float"] == [1.00000012, 2.0]  # not cut to six digits
    assert found["scene"] == [800, 600] and found["arrays"].keys() == {"0"} and found["stored"]["eye"][0] == "uint8"
    assert "</script><b>" not in text and text.count("1.00000012") == 8
    assert "live" not in json.loads(re.search(r'id="report">(.*?)</script>', text, re.S)[1])
    assert '<li data-scripted hidden><a href="#live">' in text and 'data-scripted hidden>\n<h2 id="live">' in text
    assert text.count("<script>") == 1 and text.count("<style>") == 1


def test_rounding_and_pictures_are_said(page):
    text = re.sub(r"\s+", " ", page(LIVE).replace("\u00a0", " "))
    assert (
        "rounded to 16 bits, which keeps the page small and moves no prediction of these samples by more than" in text
    )
    assert "There is no student in 8 bits: for a reason." in text and 'value="int8"' not in text
    assert "in steps of 12 grey levels" in text and "is 20.5 px off, on the pictures as recorded 20.2 px" in text
    exact = page({**LIVE, "weights": "float32", "picture_step": 0})
    assert "those of the model, in single precision" in exact and "grey levels" not in exact


def test_a_smaller_one_has_half_the_samples_and_in_the_end_none(page):
    report = with_every_key({"live": LIVE})
    half = SECTION.scripted.smaller(report)
    assert len(half["live"]["samples"]) == 4 and len(LIVE["samples"]) == 8
    assert data_of(page(half["live"]))["stored"]["eye"] != data_of(page(LIVE))["stored"]["eye"]
    none = SECTION.scripted.smaller(half)
    assert not SECTION.runs(none) and "larger than 1.5 MB" in none["live"]["absent"]
    assert "larger than 1.5 MB" in page(none["live"])


def test_it_stands_after_the_first_screen(gaze_run):
    names = [one.name for one in sections_of(with_every_key({**gaze_run[0], "live": LIVE}))]
    assert names[:3] == ["summary", "live", "models"]


def test_the_kernels_known_are_read_from_the_interpreter():
    assert {"convolution", "convolution_int8", "softmax", "total"} <= kernels_known() and "ready" not in kernels_known()


@pytest.mark.parametrize(
    ("kind", "unit", "columns", "told"),
    [
        ("class", "", ["class", "sure, %", "true class, %"], "gives the true class 79.5 % on the average"),
        ("value", "ms", ["value, ms", "off by, ms"], "the student is 0.2 ms off, on the pictures as recorded 0.2 ms"),
    ],
)
def test_classes_and_values_have_their_own_view_without_a_scene(page, kind, unit, columns, told):
    live = {**LIVE, "kind": kind, "unit": unit, "error_as_shown": 0.205, "error_as_recorded": 0.2025, "trusted": 1e-4}
    text = re.sub(r"\s+", " ", page(live).replace("\u00a0", " "))
    head = re.search(
        r"<thead><tr><th scope=\"col\" class=\"text\">model</th>(.*?)</tr></thead> <tbody id=\"live-figures\">", text
    )
    assert re.findall(r">([^<]+)</th>", head[1]) == columns and told in text
    assert '<svg id="live-scene" class="plain" role="img"' in text and "live-clear" not in text.split("<script")[0]
    assert data_of(page(live))["live"]["kind"] == kind and "LiveViews" in text


def test_what_an_older_version_stored_is_asked_for_again(tmp_path):
    older = {key: one for key, one in LIVE.items() if key not in ("kind", "unit", "trusted")}
    for stored, found in ((older, OLDER), (LIVE, None), ({"absent": WHY}, WHY)):
        assert SECTION.gathered(Run(tmp_path, None, None, {"live": stored}))["live"]["absent"] == found
    assert SECTION.gathered(Run(tmp_path, None, None, {}))["live"] is None
