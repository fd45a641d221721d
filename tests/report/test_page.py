"""The page: complete, closed, deterministic, and true to report.json."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from xgaze.report import format
from xgaze.report.images import common_scale, map_uri
from xgaze.report.page import render_page
from xgaze.report.words import summary
from xgaze.report.write import rebuild, write_report

HOSTILE = ["<script>alert(1)</script>", "\"quotes' & <b>", "x" * 200, "\u202eright to left", "</script><img src=x>"]


class Elements(HTMLParser):
    """All tags with their attributes, and the text of tables."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_nothing_is_loaded_and_the_policy_allows_only_our_script(run):
    page = render_page(*run)
    elements = Elements(page).tags
    for tag, attributes in elements:
        assert tag not in ("link", "iframe", "object", "base")
        for name in ("src", "href", "xlink:href", "action"):
            assert attributes.get(name, "data:").startswith(("data:", "#")), (tag, attributes)
    policy = next(a["content"] for t, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-eval" not in policy and "http" not in policy


def test_every_figure_is_an_image_with_title_and_description_and_ids_are_unique(run):
    elements = Elements(render_page(*run)).tags
    charts = [a for t, a in elements if t == "svg"]
    assert len(charts) == (5 if run[0]["task"] == "gaze" else 4)
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert chart["role"] == "img"
        assert set(chart["aria-labelledby"].split()) <= set(ids)
    assert all(a.get("alt") for t, a in elements if t == "img")


def test_the_same_report_gives_the_same_bytes(tmp_path, run):
    first, second = (write_report(tmp_path / name, *run) for name in ("a", "b"))
    for name in ("index.html", "report.json", "maps.npz", "per_participant.csv"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()
    before = first.read_bytes()
    first.unlink()
    assert rebuild(first.parent).read_bytes() == before
    assert len(before) < 1_000_000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_text(gaze_run, name):
    report, maps = gaze_run
    report["per_participant"][0]["participant"] = name
    report["attribution"]["samples"][0]["id"] = name
    report["sweep"]["sample_id"] = name
    plain, hostile = (Elements(render_page(*one)).tags for one in (gaze_run, (report, maps)))
    assert [t for t, _ in plain] == [t for t, _ in hostile]
    assert "<script>alert" not in render_page(report, maps)


def test_the_embedded_json_is_the_report(run):
    page = render_page(*run)
    embedded = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL).group(1)
    assert json.loads(embedded) == json.loads(json.dumps(run[0]))


def test_numbers_on_the_page_are_those_of_the_report(gaze_run):
    page = render_page(*gaze_run)
    for shown in ("31.2 px", "794,946", "37,854", "21\u00d7", "+1.2 %", "not met by the upper bound", "242.3 px"):
        assert shown in page
    assert not re.search(r">\s*(nan|None|inf)\b", page)


@pytest.mark.parametrize("missing", ["student", "sweep", "attribution", "regions", "capacity"])
def test_what_is_not_there_yet_is_left_out_and_named(run, missing):
    report, maps = run
    report[missing] = None
    if missing == "attribution":
        report["regions"] = None
    if missing == "student":
        report.update(candidates=[], surgeries=[], control=None, difference_percent=None, capacity=None)
        report["teacher_tuning_gain_percent"] = report["latency_ratio"] = None
        for row in report["per_participant"]:
            row.update(student=None, difference=None)
        for one in report["attribution"]["samples"]:
            for key in ("completeness_percent", "share_percent", "explained"):
                one[key].pop("student")
            one.pop("student_prediction")
    page = render_page(report, maps)
    assert not re.search(r">\s*None\b", page)
    if missing in ("student", "capacity"):
        assert "xgaze distill" in page
    if missing in ("sweep", "attribution"):
        assert "xgaze explain --sample 17" in page


def test_rendered_data_is_called_rendered(run):
    page, words = render_page(*run), dict(summary(run[0]))
    assert ("computer graphics" in page) == run[0]["rendered"]
    assert ("rendered, not recorded" in words["Trained on whom?"]) == run[0]["rendered"]


@pytest.mark.parametrize(
    ("mean", "high", "met", "told"),
    [
        (0.5, 1.9, True, "is met, by the upper end"),
        (0.5, 2.9, False, "but not by the upper end"),
        (4.0, 6.0, False, "is not met; this is the student that comes nearest"),
    ],
)
def test_the_verdict_is_plain(gaze_run, mean, high, met, told):
    report, _ = gaze_run
    report.update(difference_percent={"mean": mean, "low": -1.0, "high": high}, budget_met=met)
    assert told in dict(summary(report))["What was lost?"]


def test_incomplete_attributions_and_few_people_are_told(gaze_run):
    report, _ = gaze_run
    report["attribution"]["samples"][0]["completeness_percent"]["student"]["error"] = 12.0
    report["participants"]["test"] = 5
    told = dict(summary(report))["Can I trust it?"]
    assert "12.0 % of the output change unexplained: NOT complete" in told and "only 5 test people" in told


def test_all_maps_of_a_target_share_one_colour_scale():
    weak, strong = np.full((4, 4), 0.01, np.float32), np.full((4, 4), 1.0, np.float32)
    scale = common_scale([weak, strong])
    grey = np.full((1, 4, 4), 100, np.uint8)
    assert scale == pytest.approx(1.0)
    assert map_uri(weak, grey, scale) != map_uri(strong, grey, scale)
    assert map_uri(strong, grey, scale) == map_uri(2 * strong, grey, 2 * scale)


def test_numbers_as_people_read_them():
    assert format.count(1137186) == "1,137,186"
    assert (format.times(21.23), format.times(2.86)) == ("21\u00d7", "2.9\u00d7")
    assert (format.size(4552784), format.size(94_300)) == ("4.55 MB", "94 kB")
    assert format.percent(-0.94) == "\u22120.9 %"
    assert (format.score(31.24, "px"), format.score(0.7712, "AUC")) == ("31.2 px", "AUC 0.771")
    assert format.point([412.4, 300.6]) == "(412, 301) px" and format.point("ASD") == "ASD"
    assert (format.tiny(0), format.tiny(1.7e-7)) == ("0", "1.7e-07")
