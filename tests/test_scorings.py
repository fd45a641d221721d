"""The log of test scorings."""

import json
from datetime import datetime

import pytest

from xgaze.errors import InputError
from xgaze.scorings import SCORINGS_FILE, log_scoring, read_scorings


def test_every_scoring_is_added_with_date_and_command(tmp_path):
    assert read_scorings(tmp_path) == []
    for what, command in (("teacher", "xgaze train-teacher 'a b.yaml'"), ("student", ""), ("student", "")):
        log_scoring(tmp_path / "run", what, command)
    found = read_scorings(tmp_path / "run")
    assert [one["what"] for one in found] == ["teacher", "student", "student"]
    assert found[0]["command"] == "xgaze train-teacher 'a b.yaml'"
    dates = [datetime.fromisoformat(one["date"]) for one in found]
    assert dates == sorted(dates) and all(one.utcoffset().total_seconds() == 0 for one in dates)


@pytest.mark.parametrize("stored", [{}, [1], [{"what": "teacher"}], "x"])
def test_another_file_of_that_name_is_refused_and_kept(tmp_path, stored):
    (tmp_path / SCORINGS_FILE).write_text(json.dumps(stored))
    with pytest.raises(InputError, match="not a log of scorings"):
        log_scoring(tmp_path, "teacher")
    assert json.loads((tmp_path / SCORINGS_FILE).read_text()) == stored
