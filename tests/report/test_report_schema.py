"""report.json is what its schema says, and the schema lies beside it."""

import json
import re

import pytest

from xgaze.errors import InputError
from xgaze.report.page.folder import REPORT, SCHEMA, rebuild, report_tables, write_report
from xgaze.report.report_schema import read_report, report_schema
from xgaze.report.section import in_reading_order


@pytest.fixture
def folder(tmp_path, gaze_run, undrawn):
    return write_report(tmp_path, *gaze_run).parent


def test_every_key_that_a_section_reads_stands_in_the_schema(folder):
    stored = json.loads((folder / SCHEMA).read_text())
    keys = {key for one in in_reading_order() for key in one.reads}
    assert {"capacity", "crossval", "attribution", "per_participant", "eccentricity"} <= keys
    assert keys | {"schema", "teacher", "surgeries"} <= set(stored["properties"])
    assert stored["properties"]["per_participant"]["items"] == {"$ref": "#/$defs/Person"}


@pytest.mark.parametrize("task", ["gaze", "class"])
def test_all_that_can_be_in_a_report_is_as_the_schema_says(rich_of, task):
    report_schema().model_validate_json(json.dumps(rich_of(task)[0]))


def test_what_was_edited_is_refused_by_its_key_and_the_page_is_left_as_it_was(folder):
    stored = read_report(folder / REPORT)
    page = (folder / "index.html").read_bytes()
    for change, told in (
        ({"per_participant": [{"group": "P"}]}, "key 'per_participant.0.samples': missing"),
        ({"budget_percent": "two"}, "key 'budget_percent'"),
        ({"schema": 2}, "key 'schema'"),
    ):
        (folder / REPORT).write_text(json.dumps({**stored, **change}))
        with pytest.raises(InputError, match=re.escape(told)):
            rebuild(folder)
    assert (folder / "index.html").read_bytes() == page


def test_a_replay_has_its_tables_too(gaze_run):
    found = {"measures": [{"measure": "AUC"}], "per_participant": [{"group": "P"}], "per_fold": [], "history": []}
    tables = report_tables({**gaze_run[0], "replay": found})
    assert tables["replay_measures"] == [{"measure": "AUC"}] and tables["replay_participants"] == [{"group": "P"}]
    assert "replay_folds" not in tables and "crossval_measures" not in tables


def test_tables_of_an_earlier_report_go_and_files_of_others_stay(folder, gaze_run):
    report, maps = gaze_run
    (folder / "mine.csv").write_text("a")
    assert (folder / "regions.csv").is_file() and (folder / "quantiles.csv").is_file()
    write_report(folder, {**report, "regions": None}, maps)
    assert not (folder / "regions.csv").exists() and (folder / "mine.csv").is_file()
