"""The section of the worst frames and of who lost most, and the checks that read it."""

import json
from types import SimpleNamespace

import pytest

from xgaze.errors import InputError
from xgaze.report.conditions import conditions
from xgaze.report.section import with_every_key
from xgaze.report.sections.where_errors_lie.lost_most import SECTION
from xgaze.report.verdicts import judged


def ends(mean, half=1.0):
    return {"mean": mean, "low": mean - half, "high": mean + half}


def person(k, lost, p):
    figures = {"teacher": 20.0, "student": 20.0 + lost, "difference": ends(lost, 0.5), "p": p}
    return {"group": f"P{k:02d}", "samples": 24, **figures}


TAILS = [
    {"figure": "p95", "teacher": ends(40.0), "student": ends(44.0), "worse_percent": ends(10.0, 3.0)},
    {"figure": "worst", "teacher": ends(50.0), "student": ends(60.0), "worse_percent": ends(20.0, 5.0)},
]
PEOPLE = [person(k, 6.0 - k, 0.01 if k in (0, 1, 12) else 0.5) for k in range(13)]
STORED = {"tails": TAILS, "people": PEOPLE}


@pytest.fixture
def report(gaze_run):
    return with_every_key({**gaze_run[0], "lost": {"unit": "px", **STORED}})


def test_words_say_what_the_worst_frames_cost_and_how_many_lost(report):
    tails, people = SECTION.words(report)
    assert tails.startswith(
        "95 % of the frames keep below 40.0 px with the teacher and 44.0 px with the student: +10.0 % (+7.0 % to +13.0 %). "
        "The worst 5 % of the frames err by 50.0 px with the teacher and 60.0 px with the student: +20.0 %"
    )
    assert people.startswith("Of 13 people 2 lost by the student more than chance explains, and 1 gained")
    assert "corrected for all 13 looked at" in people


def test_the_table_shows_ten_people_and_the_csv_all(report):
    shown = SECTION.tables(report)["lost"]
    assert [row[0].text for row in shown.rows] == [f"P{k:02d}" for k in range(10)]
    assert [cell.text for cell in shown.rows[0]][1:4] == ["24", "20.0", "26.0"]
    rows = SECTION.csv["lost"](report)
    assert len(rows) == 13 and rows[0]["difference_high"] == 6.5
    assert SECTION.csv["tails"](report)[1]["worse_percent_low"] == 15.0
    assert len(SECTION.tables(report)["tails"].rows) == 2


@pytest.mark.parametrize(
    ("typed", "measured", "verdict"),
    [
        ("frames.p95 <= 44 px", 44.0, "passed"),
        ("frames.worst < 60", 60.0, "failed"),
        ("frames.p95.worse <= 10 %", 10.0, "passed"),
        ("frames.worst.worse.high <= 20", 25.0, "failed"),
        ("people.lost <= 1", 2.0, "failed"),
    ],
)
def test_conditions_are_put_to_them(report, typed, measured, verdict):
    row = judged(report, conditions([typed]))[0]
    assert (row["measured"], row["verdict"]) == (measured, verdict)


def test_without_them_nothing_passes(gaze_run):
    typed = ["frames.p95 <= 44 px", "frames.worst.worse.high <= 20", "people.lost <= 1"]
    rows = judged(with_every_key(gaze_run[0]), conditions(typed))
    assert [one["verdict"] for one in rows if one["asked"]] == ["not run"] * 3


def run_with(folder, stored, student=True):
    (folder / "student").mkdir()
    if stored is not None:
        (folder / "student" / "lost.json").write_text(stored)
    teacher = SimpleNamespace(spec={"kind": "gaze"}, metrics={"error": {"unit": "cm"}})
    return SimpleNamespace(folder=folder, teacher=teacher, student=object() if student else None, explanation={})


def test_it_is_gathered_from_the_students_folder(tmp_path):
    assert SECTION.gathered(run_with(tmp_path, json.dumps(STORED))) == {"lost": {"unit": "cm", **STORED}}


@pytest.mark.parametrize(("stored", "student"), [(None, True), (json.dumps(STORED), False)])
def test_an_older_run_and_a_teacher_alone_have_no_such_section(tmp_path, stored, student):
    assert SECTION.gathered(run_with(tmp_path, stored, student)) == {"lost": None}


def test_a_damaged_file_is_told_with_its_name(tmp_path):
    with pytest.raises(InputError, match=r"lost\.json"):
        SECTION.gathered(run_with(tmp_path, '{"tails": 3}'))
