"""What the page says of an explanation: what may be read, what each sample was asked, and where the lines of a sweep lead."""

import json
import re

from xgaze.report import figures, figures_inside, figures_sample
from xgaze.report.charts import report_charts
from xgaze.report.page import render_page
from xgaze.report.tables_explanation import explanation_tables
from xgaze.report.words import summary
from xgaze.report.write import report_tables


def test_maps_that_do_not_add_up_are_marked_and_those_of_a_refused_method_are_not_shown(rich_of, undrawn):
    report, maps = rich_of("gaze")
    pictures = render_page(report, maps).count("<img")
    report["attribution"]["samples"][0]["completeness_percent"]["student"]["error"] = 12.0
    page = render_page(report, maps)
    assert page.count("too much to read this row") == 1 and page.count("<img") == pictures
    report["methods"].append(
        {**report["methods"][0], "name": "integrated gradients", "role": "student", "offered": False, "reason": "why!"}
    )
    page = render_page(report, maps)
    assert page.count("Refused: why!") == 3 and page.count("<img") == pictures - 3 * len(report["inputs"])


def test_each_sample_is_shown_for_the_class_it_was_asked_about(rich_of, undrawn):
    report, maps = rich_of("class")
    first = report["attribution"]["samples"][0]
    other = json.loads(json.dumps(first).replace("class ASD", "class TD"))
    report["attribution"]["samples"].append(other)
    report["attribution"]["targets"].append("class TD")
    maps |= {f"1{name[1:]}".replace("class ASD", "class TD"): one for name, one in maps.items()}
    page = render_page(report, maps)
    assert "<h4>Class ASD</h4>" in page and "<h4>Class TD</h4>" in page


def test_lines_of_the_sweeps_are_written_point_by_point(rich_of):
    report, _ = rich_of("gaze")
    tables = report_tables(report)
    for name, lines in (("sweep", report["sweep"]["variables"]), ("sweep_mean_paths", report["sweep_mean"]["paths"])):
        assert set(tables[name][0]) == {"variable", "values", "x_px", "y_px"}
        assert len(tables[name]) == sum(len(one["x_px"]) for one in lines)
        assert tables[name][-1]["y_px"] == lines[-1]["y_px"][-1]


def test_lines_of_sweeps_are_drawn_without_markers(rich_of):
    drawn = figures_sample.sweep_paths_figure(rich_of("gaze")[0]["sweep_mean"]).svg
    assert drawn.count("<use") < 40  # the ticks and one dot: a marker per point would be 110 more
    assert len(drawn) < 30_000


def test_marks_of_one_look_say_it_once():
    people = [{"participant": f"P{k}", "teacher": 20.0 + k, "student": 21.0 + 2 * k} for k in range(100)]
    drawn = figures.participants_figure(people, "mean error, px").svg
    marks = re.findall(r"<use[^>]*/>", drawn)
    assert len(marks) >= 200 and sum("stroke" in one for one in marks) < 20
    assert drawn.count("<path") < 30 and len(drawn) < 25_000  # 46 kB with a line and a look for every person


def test_an_error_after_refit_is_told_in_the_unit_it_was_measured_in(rich_of):
    report, _ = rich_of("class")
    report["embedding"]["importance"]["refit_unit"] = "1 - probability of the true class"
    assert explanation_tables(report)["refit"].columns[-1] == "error after refit, 1 - probability of the true class"
    assert "1 - probability" in report_charts(report)["refit"].svg


def test_the_student_is_said_to_look_where_the_teacher_does_not(rich_of):
    report, _ = rich_of("gaze")
    assert "no region at which the student clearly looks more" in dict(summary(report))["What do they look at?"]
    report["anatomy"]["differences"][4]["mass_percent"] = {"mean": 2.0, "low": 1.4, "high": 2.6}
    region = report["anatomy"]["differences"][4]["region"]
    told = dict(summary(report))["What do they look at?"]
    assert f"More than the teacher, the student looks at the {region} (+2.0 percentage points" in told


def test_rankings_without_a_correlation_are_drawn_as_a_dash():
    tied = {"methods": ["a", "b"], "agreement": [{"a": "a", "b": "b", "spearman": None}]}
    assert figures_inside.rankings_figure(tied).svg.count("\u2013</text>") == 2
