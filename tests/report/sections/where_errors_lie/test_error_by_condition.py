"""The section that says whom the compression cost."""

import json
from types import SimpleNamespace

import pytest

from xgaze.errors import InputError
from xgaze.report.checks.worst_slice import worst_slice
from xgaze.report.section import with_every_key
from xgaze.report.sections.where_errors_lie.error_by_condition import SECTION, lost_in, slices_figure


def ends(mean, half=1.0):
    return {"mean": mean, "low": mean - half, "high": mean + half}


def row(where, loss=None, p=None):
    student = None if loss is None else ends(20.0 + loss / 5)
    figures = {"teacher": ends(20.0), "student": student, "worse_percent": None if loss is None else ends(loss), "p": p}
    return {"condition": "lid opening, mm", "where": where, "participants": 30, "samples": 200, **figures}


ROWS = [row("0 to 2", 12.0, 0.001), row("2 to 5", 15.0, 0.4), row("5 to 7", -3.0, 0.001), row("7 to 9", 4.0, 0.02)]


def report_of(rows):
    return with_every_key({"slices": {"unit": "px", "rows": rows}, "student": {}, "groups": "participants"})


def test_only_losses_beyond_chance_count_the_largest_first():
    assert [one["where"] for one in lost_in(ROWS)] == ["0 to 2", "7 to 9"]
    (told,) = SECTION.words(report_of(ROWS))
    assert told.startswith("The student is worse than the teacher in 2 of 4 slices: lid opening, mm 0 to 2: +12.0 % (")
    assert SECTION.answers(report_of(ROWS)) == [("Whom did it cost most?", "lid opening, mm 0 to 2: +12.0 %.")]
    assert worst_slice(report_of(ROWS)) == 12.0


def test_where_nobody_lost_this_is_said():
    rows = [ROWS[1], ROWS[2]]
    (told,) = SECTION.words(report_of(rows))
    assert told.startswith("In none of 2 slices is the student worse")
    assert SECTION.answers(report_of(rows)) == [("Whom did it cost most?", "Nobody in particular.")]
    assert worst_slice(report_of(rows)) == 0.0


def test_of_a_teacher_alone_it_says_where_it_errs_most():
    rows = [row("0 to 2"), {**row("2 to 5"), "teacher": ends(33.0)}]
    assert SECTION.words(report_of(rows)) == ["The teacher errs most where lid opening, mm 2 to 5: 33.0 px."]
    assert SECTION.answers(report_of(rows)) == []
    assert len(SECTION.tables(report_of(rows))["slices"].columns) == 5
    assert "error, px" in slices_figure(report_of(rows)).svg


def test_the_table_holds_every_slice_and_the_chart_every_loss():
    shown = SECTION.tables(report_of(ROWS))["slices"]
    assert [one[1].text for one in shown.rows] == [one["where"] for one in ROWS]
    assert shown.columns[-2:] == ("worse, %", "p, corrected")
    assert "student worse than teacher" in slices_figure(report_of(ROWS)).svg
    assert SECTION.csv["slices"](report_of(ROWS))[0]["worse_percent_low"] == 11.0


def run_with(folder, stored, student=True):
    for role in ("teacher", "student"):
        (folder / role).mkdir()
    (folder / ("student" if student else "teacher") / "slices.json").write_text(stored)
    teacher = SimpleNamespace(spec={"kind": "gaze"}, metrics={"error": {"unit": "px"}})
    return SimpleNamespace(folder=folder, teacher=teacher, student=object() if student else None, explanation={})


@pytest.mark.parametrize("student", [True, False])
def test_it_is_gathered_from_the_models_folder(tmp_path, student):
    found = SECTION.gathered(run_with(tmp_path, json.dumps({"slices": ROWS}), student))
    assert found == {"slices": {"unit": "px", "rows": ROWS}}


def test_a_run_of_an_older_version_has_no_such_section(tmp_path):
    run = run_with(tmp_path, "{}")
    (tmp_path / "student" / "slices.json").unlink()
    assert SECTION.gathered(run) == {"slices": None}


def test_where_too_few_people_give_no_slice_there_is_no_section(tmp_path):
    found = SECTION.gathered(run_with(tmp_path, '{"slices": []}'))
    assert found == {"slices": None} and not SECTION.there(with_every_key(found))


@pytest.mark.parametrize("stored", ["", "[]", "{}", '{"slices": [{"condition": 3}]}'])
def test_a_damaged_file_is_told_with_its_name(tmp_path, stored):
    with pytest.raises(InputError, match=r"slices\.json"):
        SECTION.gathered(run_with(tmp_path, stored))
