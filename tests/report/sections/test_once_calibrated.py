"""The section of calibration: read through its schema, only for the models that were calibrated."""

import json

import pytest

from xgaze.artifacts import file_hash
from xgaze.errors import InputError
from xgaze.report.section import Run
from xgaze.report.sections.once_calibrated import SECTION, calibration_figure


def ends(mean, half=1.0):
    return {"mean": mean, "low": mean - half, "high": mean + half}


def row(model, points, after, **more):
    return {
        "model": model,
        "how": "affine",
        "points": points,
        "unit": "px",
        "before": ends(20.0),
        "after": ends(after),
        "gain_percent": ends(100 - 5 * after),
        "people": 8,
        "people_helped": 6,
        **more,
    }


WORSE = {"worse_before_percent": ends(3.0), "worse_after_percent": ends(1.5)}
ROWS = [
    row("teacher", 1, 15.0),
    row("teacher", 5, 10.0),
    row("student", 1, 16.0, **WORSE),
    row("student", 5, 12.0, **WORSE),
]


@pytest.fixture
def run(tmp_path):
    for role in ("teacher", "student"):
        (tmp_path / role).mkdir()
        (tmp_path / role / "model.safetensors").write_bytes(role.encode())
    hashes = {role: file_hash(tmp_path / role / "model.safetensors") for role in ("teacher", "student")}
    (tmp_path / "calibration.json").write_text(json.dumps({"models": hashes, "rows": ROWS}))
    return Run(tmp_path, None, None, {})


def report():
    return {"calibration": ROWS, "groups": "participants"}


def test_words_tell_the_most_points_against_the_teacher_before_and_after():
    told = " ".join(SECTION.words(report()))
    assert "each of the 8 test" in told and "With 5 points (affine)" in told
    assert "1.5" in told and "3.0" in told
    assert SECTION.answers(report()) == [
        ("How good once it knows the person?", "The student: 20.0 to 12.0 px, with 5 points (affine).")
    ]
    assert SECTION.answers({"calibration": None}) == []


def test_every_row_is_in_table_csv_and_chart():
    assert len(SECTION.tables(report())["calibration"].rows) == 4
    flat = SECTION.csv["calibration"](report())
    assert flat[3]["after_low"] == 11.0 and flat[3]["worse_after_percent_mean"] == 1.5
    drawn = calibration_figure(ROWS, "people").svg
    assert drawn == calibration_figure(ROWS, "people").svg and "<svg" in drawn


def test_every_figure_is_in_the_unit_of_the_recording():
    rows = [{**one, "unit": "degrees", "before": ends(5.125), "after": ends(4.0)} for one in ROWS]
    told = {"calibration": rows, "groups": "participants"}
    assert SECTION.answers(told)[0][1] == "The student: 5.12 to 4.00 degrees, with 1 points (affine)."
    table = SECTION.tables(told)["calibration"]
    assert [str(one) for one in table.columns][3:5] == ["before, degrees", "after, degrees"]
    assert "error, degrees" in calibration_figure(rows, "people").svg
    plain = [{**one, "unit": ""} for one in rows]  # a value of no unit
    assert SECTION.answers({**told, "calibration": plain})[0][1].startswith("The student: 5.125 to 4.000, with")


def test_it_is_gathered_for_these_models_only(run):
    assert len(SECTION.gather(run)["calibration"]) == 4
    (run.folder / "student" / "model.safetensors").write_bytes(b"distilled again")
    assert SECTION.gather(run) == {}
    (run.folder / "calibration.json").unlink()
    assert SECTION.gather(run) == {}


def test_an_edited_file_is_refused_with_a_remedy(run):
    (run.folder / "calibration.json").write_text(json.dumps({"models": {}, "rows": [row("teacher", "five", 1.0)]}))
    with pytest.raises(InputError, match=r"calibration\.json.*xgaze calibrate"):
        SECTION.gather(run)
