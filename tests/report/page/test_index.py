"""reports/index.html and what `publish` writes beside a report."""

import json
import re

import pytest
from markupsafe import escape

from xgaze.report.page.index import write_index
from xgaze.report.page.model_card import model_card, plain


def put(reports, name, report):
    (reports / name).mkdir(parents=True)
    (reports / name / "report.json").write_text(json.dumps(report))


def test_all_runs_are_listed_by_name_with_link_error_reduction_and_budget(tmp_path, gaze_run):
    report, _ = gaze_run
    put(tmp_path, "b", report)
    put(tmp_path, "a <i>", {**report, "budget_met": True})
    put(tmp_path, "alone", {**report, "student": None, "difference_percent": None, "budget_percent": None})
    (tmp_path / "compare-a-b.html").write_text("")
    page = write_index(tmp_path)
    text = page.read_text().replace("\u00a0", " ")
    assert re.findall(r'<a href="([^"#]*)">', text) == [
        "a%20%3Ci%3E/index.html",
        "alone/index.html",
        "b/index.html",
        "compare-a-b.html",
    ]
    assert str(escape("a <i>")) in text and "<i>" not in text
    for shown in ("31.2 px", "31.5 px", "+1.2 %", "2.9\u00d7", "21\u00d7", "2 % met", "2 % not met"):
        assert shown in text
    before = page.read_bytes()
    assert write_index(tmp_path).read_bytes() == before


def test_a_damaged_report_does_not_hide_the_others(tmp_path, gaze_run):
    put(tmp_path, "good", gaze_run[0])
    put(tmp_path, "bad", {})
    text = write_index(tmp_path).read_text()
    assert "good/index.html" in text and "not readable" in text


def test_no_runs_is_told(tmp_path):
    assert "No run has a report yet" in write_index(tmp_path).read_text()


@pytest.mark.parametrize("task", ["gaze", "class"])
def test_the_model_card_tells_figures_use_data_and_limits(rich_of, task):
    report, _ = rich_of(task)
    card = model_card(report)
    assert card == model_card(report) and card.startswith("# toy: student\n")
    for head in ("## Figures", "## Use", "## Data", "## Limits", "## How it was made"):
        assert head in card
    assert "| parameters in fully connected layers | 794,946 | 37,854 |" in card
    assert ("Rendered data" in card) == report["rendered"]
    radius = "90 % of the frames of new people should lie within 54.6 px of the student's prediction, as 18 validation people"
    assert (radius in card) == (task == "gaze")
    hardest = "40.0 px" if task == "gaze" else "21.0 % right answers"
    assert f"the hardest test participant has {hardest}" in card


def test_the_model_card_takes_names_as_text(gaze_run):
    report, _ = gaze_run
    report["recipe"]["name"] = "<b>*x*\n# y"
    card = model_card(report)
    assert r"# \<b\>\*x\* \# y: student" in card.splitlines()[0] and "<b>" not in card
    assert plain("a|b") == r"a\|b"


def test_without_a_student_there_is_no_card(gaze_run):
    with pytest.raises(ValueError, match="has none"):
        model_card({**gaze_run[0], "student": None})


def slice_of(where, worse, p=0.001):
    def ends(mean):
        return {"mean": mean, "low": mean - 1, "high": mean + 1}

    whom = {"condition": "lid opening", "where": where, "participants": 1200, "samples": 2400}
    return {**whom, "teacher": ends(20.0), "student": ends(21.5), "worse_percent": worse and ends(worse), "p": p}


def test_the_model_card_tells_slices_the_largest_loss_first(gaze_run):
    rows = [slice_of("wide", 0.5, 0.7), slice_of("half | shut", 7.5, 1e-5), slice_of("unknown", None)]
    card = model_card({**gaze_run[0], "slices": {"unit": "px", "rows": rows}})
    told = card[card.index("## Slices") : card.index("## Limits")].splitlines()
    assert told[2] == "| slice | people | teacher, px | student, px | worse | p, corrected |"
    assert told[4] == "| lid opening half \\| shut | 1,200 | 20.0 | 21.5 | +7.5 % (+6.5 % to +8.5 %) | < 0.001 |"
    assert told[5].endswith("+0.5 % (\u22120.5 % to +1.5 %) | 0.700 |") and len(told) == 7
    many = [slice_of(f"part {k}", k + 1.0) for k in range(15)]
    assert "3 more, in which it loses less" in model_card({**gaze_run[0], "slices": {"unit": "px", "rows": many}})
    assert "## Slices" not in model_card(gaze_run[0])


def test_the_model_card_tells_the_licence_of_the_data(gaze_run):
    report = gaze_run[0]
    told = {"name": "toy", "data": {"source": "manifest", "licence": "CC BY-NC-SA 4.0 <of the owner>"}}
    of_user = {**report, "recipe": {**report["recipe"], "settings": told}}
    assert "Licence of the data: CC BY-NC-SA 4.0 \\<of the owner\\>." in model_card(of_user)
    assert "they are rendered by xgaze" in model_card(report)
    assert "not told (`data.licence` in the recipe)" in model_card({**report, "rendered": False})
