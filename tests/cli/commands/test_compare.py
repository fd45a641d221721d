"""`xgaze compare`: which runs it takes, and what it pairs."""

import pandas as pd
import pytest
from click.testing import CliRunner

from xgaze.artifacts import ModelCard, write_card
from xgaze.cli.commands.compare import compare, paired, run_name
from xgaze.errors import InputError


def put(folder, errors):
    folder.mkdir(parents=True)
    write_card(folder, ModelCard(folder.name, {}, {"unit": "px"}, {}, "hash", 0))
    table = pd.DataFrame({"id": list("abcd"), "group": list("ppqq"), "split": "test", "error_px": errors})
    table.assign(truth_x_px=1.0, truth_y_px=2.0).to_csv(folder / "predictions.csv", index=False)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = (tmp_path / "checkpoints" / "small", tmp_path / "checkpoints" / "large")
    put(folders[0] / "teacher", [10.0, 10.0, 20.0, 20.0])
    put(folders[1] / "teacher", [11.0, 11.0, 21.0, 21.0])
    put(folders[0] / "student", [1.0, 1.0, 1.0, 1.0])
    return folders


def test_only_roles_that_both_runs_have_are_paired_second_minus_first(runs):
    found = paired(runs, ("small", "large"))
    assert list(found) == ["teacher"]
    assert (found["teacher"]["unit"], found["teacher"]["groups"]) == ("px", "participants")
    assert found["teacher"]["difference"] == pytest.approx({"mean": 1.0, "low": 1.0, "high": 1.0})


def test_a_run_is_named_by_its_folder_and_an_unknown_one_is_told_the_nearest(runs):
    assert run_name("small") == "small"
    with pytest.raises(InputError, match="did you mean 'large'"):
        run_name("larg")


def test_runs_of_other_scenes_are_refused_and_nothing_is_written(runs, tmp_path):
    card = ModelCard("teacher", {}, {"unit": "px", "scene": [640, 480]}, {}, "hash", 0)
    write_card(runs[1] / "teacher", card)
    failed = CliRunner().invoke(compare, ["small", "large"]).exception
    assert isinstance(failed, InputError) and "small and large look at different scenes: none and 640 × 480" in str(
        failed
    )
    assert not (tmp_path / "reports").exists()


def test_without_any_run_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="xgaze train-teacher"):
        run_name("small")


def test_a_run_is_not_compared_with_itself(runs):
    failed = CliRunner().invoke(compare, ["small", "small"]).exception
    assert isinstance(failed, InputError) and "itself" in str(failed)
