"""The section on where people look, what a run cannot show, and what reading left out."""

import numpy as np
import pytest

from xgaze.report.caveats import caveats
from xgaze.report.page.comparison import render_comparison
from xgaze.report.page.folder import report_tables
from xgaze.report.page.human_comparison import human_verdicts
from xgaze.report.page.page import render_page, sections_of
from xgaze.report.section import with_every_key
from xgaze.report.sections.at_a_glance import summary
from xgaze.report.sections.where_people_look import human_tables, looked_views, where_people_look

NAMES = ("plain", "gat")


def test_every_score_is_in_the_table_and_what_a_ceiling_cannot_have_is_a_dash(rich_of, charts_of):
    report, _ = rich_of("class")
    tables = human_tables(report)
    rows = {(row[0].text, row[1].text): row for row in tables["human"].rows}
    assert len(rows) == 9 and rows["teacher", "Grad-CAM"][3].text == "0.80 (0.75 to 0.85)"
    assert [cell.text for cell in rows["other viewers", ""]][2] == "\u2013"
    assert tables["human-differences"].rows[0][0].text == "student minus teacher"
    assert {"human", "human_differences"} <= set(report_tables(report))
    assert "second teacher, Grad-CAM" in charts_of(report)["human"].svg


def test_maps_of_a_method_that_does_not_add_up_are_marked(rich_of):
    report, _ = rich_of("class")
    report["methods"] = [{**report["methods"][0], "name": "integrated gradients", "role": "student", "offered": False}]
    report["methods"][0]["completeness_percent"] = 40.0
    marked = [row[0].text for row in human_tables(report)["human"].rows if "refused" in row[1].text]
    assert marked == ["student"]


def test_the_page_shows_examples_only_where_people_looked(rich_of, undrawn):
    report, maps = rich_of("class", samples=2)
    maps["0/people"] = maps["0/people/teacher/Grad-CAM"] = np.abs(maps["0/teacher/class ASD/image"])
    assert [one["id"] for one in looked_views(report, maps)] == ["P000001/0/5"]
    labels = [cell["label"] for cell in looked_views(report, maps)[0]["cells"]]
    assert labels == ["photograph", "people", "teacher by Grad-CAM"]
    page = render_page(report, maps)
    assert "Where people look" in [one.label for one in sections_of(with_every_key(report))]
    assert "Where people and models look in P000001/0/5" in page and "of the very viewers" in page
    report["human"]["fixations"] = "drawn from the maps"
    assert "there is no ceiling" in render_page(report, maps)


def test_in_words_the_student_is_compared_with_the_teacher(rich_of):
    told = where_people_look(rich_of("class")[0]["human"])
    assert "teacher (Grad-CAM) 0.58 (0.53 to 0.63)" in told and "other viewers 0.66" in told
    assert "Student minus teacher: by Grad-CAM \u22120.100 (\u22120.140 to \u22120.060)" in told


@pytest.mark.parametrize(("attention", "told"), [("input", "an upper bound"), ("training", "the photograph alone")])
def test_of_viewers_who_agree_the_page_says_what_the_map_betrays(rich_of, attention, told):
    report, _ = rich_of("class")
    data = {"source": "viewer-agreement", "share": 1 / 3, "labelling_viewers": 8, "attention": attention}
    report["recipe"]["settings"]["data"] = data
    said = dict(summary(report))["What can it not show?"]
    assert told in said and "33 % of pictures" in said
    assert ("betrays agreement" in said) == (attention == "input")


def test_where_nothing_but_intervals_limits_the_figures_nothing_is_said(rich_of):
    report, _ = rich_of("gaze")
    report["human"] = None
    assert caveats(report) == [] and "What can it not show?" not in dict(summary(report))


def test_what_reading_left_out_stands_in_the_provenance(rich_of, undrawn):
    report, maps = rich_of("class")
    assert "What reading the recording left out" not in render_page(report, maps)
    report["provenance"]["notes"] = ["3 of 9 <pictures> were not seen by all."]
    assert "<li>3 of 9 &lt;pictures&gt; were not seen by all.</li>" in render_page(report, maps)


def looked(mean, low, high):
    scores = ("pointing", "nss", "cc", "kl", "shuffled_auc", "auc_judd")
    row = {"model": "teacher", "method": "Grad-CAM"} | {key: {"mean": mean, "low": low, "high": high} for key in scores}
    return {"samples": 40, "rows": [row], "reason": None}


@pytest.mark.parametrize(
    ("ends", "told"),
    [((0.3, 0.1, 0.5), "nearer to"), ((-0.3, -0.5, -0.1), "farther from"), ((0.1, -0.1, 0.3), "no evidence")],
)
def test_two_runs_say_whether_attention_moved(ends, told):
    (said,) = human_verdicts(looked(*ends), NAMES)
    assert told in said and "teacher of gat" in said and "same 40 pictures" in said


def test_the_comparison_page_has_the_section_only_where_both_were_measured(gaze_run):
    report, _ = gaze_run
    pair = {
        "unit": "px",
        "participants": 1,
        "difference": {"mean": 0.5, "low": 0.1, "high": 0.9},
        "difference_percent": None,
    }
    pairs = {"teacher": {**pair, "rows": [{"group": "P", "first": 2.0, "second": 2.5, "difference": 0.5}]}}
    without = render_comparison((report, report), pairs)
    assert "towards people" not in without
    page = render_comparison((report, report), pairs, looked(0.3, 0.1, 0.5))
    assert 'id="looked"' in page and page.count("<svg") == 2
    refused = render_comparison((report, report), pairs, {"samples": 1, "rows": [], "reason": "1 pictures only."})
    assert "Where people look is not compared: 1 pictures only." in refused and refused.count("<svg") == 1
