"""What the page says of an explanation: what may be read, what each sample was asked, and where the lines of a sweep lead."""

import json
import re

from xgaze.report.page.folder import report_tables
from xgaze.report.page.page import render_page
from xgaze.report.sections import every_participant, inside_the_embedding, same_reasons
from xgaze.report.sections.at_a_glance import summary
from xgaze.report.sections.details import sweeps
from xgaze.report.sections.details.one_sample import sample_tables
from xgaze.report.sections.what_they_look_at import refusals


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
    drawn = sweeps.sweep_paths_figure(rich_of("gaze")[0]["sweep_mean"]).svg
    assert drawn.count("<use") < 40  # the ticks and one dot: a marker per point would be 110 more
    assert len(drawn) < 30_000


def test_marks_of_one_look_say_it_once():
    people = [{"group": f"P{k}", "teacher": 20.0 + k, "student": 21.0 + 2 * k} for k in range(100)]
    drawn = every_participant.participants_figure(people, "mean error, px").svg
    marks = re.findall(r"<use[^>]*/>", drawn)
    assert len(marks) >= 200 and sum("stroke" in one for one in marks) < 20
    assert drawn.count("<path") < 30 and len(drawn) < 25_000  # 46 kB with a line and a look for every person


def test_an_error_after_refit_is_told_in_the_unit_it_was_measured_in(rich_of, charts_of, tables_of):
    report, _ = rich_of("class")
    report["embedding"]["importance"]["refit_unit"] = "1 - probability of the true class"
    assert tables_of(report)["refit"].columns[-1] == "error after refit, 1 - probability of the true class"
    assert "1 - probability" in charts_of(report)["refit"].svg


def test_the_student_is_said_to_look_where_the_teacher_does_not(rich_of):
    report, _ = rich_of("gaze")
    assert "no region at which the student clearly looks more" in dict(summary(report))["What do they look at?"]
    report["anatomy"]["differences"][4]["mass_percent"] = {"mean": 2.0, "low": 1.4, "high": 2.6}
    region = report["anatomy"]["differences"][4]["region"]
    told = dict(summary(report))["What do they look at?"]
    assert f"More than the teacher, the student looks at the {region} (+2.0 percentage points" in told


def test_rankings_without_a_correlation_are_drawn_as_a_dash():
    tied = {"methods": ["a", "b"], "agreement": [{"a": "a", "b": "b", "spearman": None}]}
    assert inside_the_embedding.rankings_figure(tied).svg.count("\u2013</text>") == 2


def test_conductance_that_does_not_add_up_is_not_drawn_and_the_reason_stands_in_its_place(rich_of, undrawn, charts_of):
    report, maps = rich_of("gaze")
    sample = report["attribution"]["samples"][0]
    sample["conductance"].pop("student")
    sample["conductance_refused"] = {"student": "its values leave 12 % unexplained."}
    page = render_page(report, maps)
    assert "is not shown: its values leave 12\u00a0% unexplained." in page
    assert {row[0].text for row in charts_table(report, "sample-0-conductance").rows} == {"teacher"}
    sample["conductance"].clear()
    assert "sample-0-conductance" not in charts_of(report)
    assert "is not shown: its values leave 12" in render_page(report, maps)


def charts_table(report, name):
    return sample_tables("sample-0", report["attribution"]["samples"][0], "px")[name]


def test_conductance_stands_among_the_methods_that_were_checked(rich_of, tables_of):
    rows = tables_of(rich_of("gaze")[0])["methods"].rows
    found = [row for row in rows if row[0].text == "conductance"]
    assert [(row[1].text, row[2].text, row[4].text) for row in found] == [
        ("teacher", "passed", "\u2013"),
        ("student", "passed", "\u2013"),
    ]


def test_what_a_method_was_asked_about_is_a_column_only_where_it_differs(rich_of, undrawn, tables_of):
    report, maps = rich_of("gaze")
    assert "asked about" not in tables_of(report)["methods"].columns
    report["methods"].append({**report["methods"][0], "target": "gaze x"})
    found = tables_of(report)["methods"]
    assert found.columns[2] == "asked about" and found.words == {0, 1, 2, 3, 7}
    assert found.rows[-1][2].text == "gaze x"
    for key in [name for name in maps if name.endswith("/occlusion")]:
        maps[key.replace("/error/", "/gaze x/")] = maps[key]
    page = render_page(report, maps)
    assert "The same by 2 other methods (gaze x, error)" in page
    assert "<h4>occlusion: gaze x</h4>" in page and "<h4>occlusion: error</h4>" in page


def test_maps_are_refused_for_the_target_that_was_judged_and_for_those_that_were_not():
    def verdict(target, reason):
        return {"name": "mine", "role": "student", "target": target, "offered": reason is None, "reason": reason}

    targets = ["gaze x", "gaze y", "error"]
    only_error = [verdict("error", "bad")]
    assert refusals(only_error, "mine", targets) == {("student", one): "bad" for one in targets}
    all_judged = [verdict("gaze x", None), verdict("gaze y", "bad"), verdict("error", None)]
    assert refusals(all_judged, "mine", targets) == {("student", "gaze y"): "bad"}
    older = [{key: one for key, one in verdict("error", "bad").items() if key != "target"}]
    assert refusals(older, "mine", targets) == {("student", one): "bad" for one in targets}
    assert refusals(only_error, "another", targets) == {}


def test_the_agreement_figure_speaks_only_of_models_that_are_there(rich_of):
    agreement = rich_of("gaze")[0]["agreement"]
    whole = same_reasons.agreement_figure(agreement).description
    assert "untrained student" in whole and "second teacher" in whole.lower()
    agreement["rows"] = [row for row in agreement["rows"] if row["role"] != "ceiling"]
    told = same_reasons.agreement_figure(agreement).description
    assert "untrained student" in told and "second teacher" not in told.lower() and "most one can ask" not in told
    agreement["rows"] = [row for row in agreement["rows"] if row["role"] == "result"]
    assert "untrained" not in same_reasons.agreement_figure(agreement).description


def test_the_student_taught_by_labels_alone_stands_in_the_table_of_results(gaze_run, undrawn, tables_of):
    report, maps = gaze_run
    assert "labels alone" not in render_page(report, maps)
    worse = {"mean": 8.4, "low": -0.5, "high": 17.3}
    report["labels_only"] = {"error": {**report["student"]["error"], "mean": 33.9}, "worse_than_student_percent": worse}
    rows = [[cell.text for cell in row] for row in tables_of(report)["beside"].rows]
    assert rows[1][:2] == ["the same student, taught by labels alone", "33.9 px"]
    page = render_page(report, maps).replace("\u00a0", " ")
    assert "taught by labels alone is 8.4&nbsp;% worse (95&nbsp;% interval over people: \u22120.5 % to +17.3 %" in page


def test_a_teacher_alone_is_compared_with_nobody_and_no_empty_figure_is_drawn(rich_of, undrawn, charts_of):
    report, maps = rich_of("gaze")
    report["agreement"]["rows"] = []
    report["agreement"]["curves"] = report["agreement"]["curves"][:1]
    assert "agreement" not in charts_of(report) and "curves" in charts_of(report)
    page = render_page(report, maps)
    assert "Does the student attend" not in page and "Do the maps tell what matters?" in page
    assert "For the same reasons?" not in dict(summary(report)) and 'id="agreement"' in page
