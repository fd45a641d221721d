"""What commands share: the command that made a result, the next one, and whose fault is told first."""

import shlex

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from xgaze.api.runs import Run, recipe_faults_first
from xgaze.cli.common import invocation, next_command
from xgaze.cli.main import imported, xgaze
from xgaze.errors import InputError

ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}


@pytest.fixture
def typed(monkeypatch):
    """words of a command -> what `invocation` makes of them, the command itself left out."""

    def invocation_of(*words):
        told = []
        command = imported(words[0])
        monkeypatch.setattr(command, "callback", lambda **_: told.append(invocation()))
        result = CliRunner().invoke(xgaze, list(words))
        assert result.exit_code == 0, result.output
        return told[0]

    return invocation_of


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train-teacher",), "xgaze train-teacher"),
        (("train-teacher", "--json", "--force", "--second"), "xgaze train-teacher --second"),
        (("distill", "--prune-fc", "my recipes/a.yaml", "--max-worse", "5%", "--workers", "2"), None),
        (("explain", "--sample", "worst", "--sample", "a b", "--over", "all"), None),
        (("crossval", "heatmap-cnn", "--outer", "5", "--set", "data.path=it's here"), None),
    ],
)
def test_the_invocation_is_a_command_that_does_the_same(typed, words, told):
    found = typed(*words)
    assert told in (None, found)
    assert typed(*shlex.split(found)[1:]) == found  # what is told can be typed
    for word in words:
        assert word in ("--json", "--force", "--workers", "2", "5%") or word in shlex.split(found)
    assert not {"--json", "--force", "--workers"} & set(shlex.split(found))


def test_the_next_command_is_quoted():
    overrides = ("data.path=my pictures", "distill.shares=[0.5, 0.25]")
    told = next_command("explain --samples 3", "my recipe.yaml", overrides)
    expected = ["xgaze", "explain", "--samples", "3", "my recipe.yaml", "--set", overrides[0], "--set", overrides[1]]
    assert shlex.split(told) == expected
    assert next_command("distill", "multi-eye", ()) == "xgaze distill"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"name": "multi-eyes"}}, "'multi-eyes' is not registered"),
        ({"model": {"name": "multi-eye", "args": {"hiden": 3}}}, "no argument 'hiden'"),
        ({"training": {"loss": "cross-entropy"}}, "does not fit"),
        ({"data": {"source": "gaze-images", "path": "nowhere"}, "model": {"name": "heatmap-cnn"}}, "nowhere"),
        ({"model": {"name": "multi-eye", "args": ARGS, "weights": "none.safetensors"}}, "start from stored weights"),
        ({}, "other settings"),
    ],
)
def test_a_fault_of_the_recipe_is_told_before_what_its_folder_holds(make_recipe, changes, message):
    with pytest.raises(InputError, match=message), recipe_faults_first(Run(make_recipe(**changes))):
        raise InputError("holds a teacher of other settings")


def test_a_command_is_told_by_its_own_name():
    @click.command("toy")
    @click.argument("recipe", default="x")
    def toy(recipe):
        click.echo(invocation())

    assert CliRunner().invoke(toy, ["y z"]).output == "xgaze toy 'y z'\n"


@pytest.mark.parametrize("command", ["train-teacher", "distill", "explain"])
def test_too_few_people_are_told_before_anything_is_computed_or_missed(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    for k in range(4):
        folder = tmp_path / "maps" / ("a", "b")[k % 2] / f"p{k}"
        folder.mkdir(parents=True)
        Image.fromarray(np.full((16, 16, 3), 40 * k, np.uint8)).save(folder / "0.png")
    result = CliRunner().invoke(xgaze, [command, "heatmap-cnn-small", "--set", "data.path=maps"])
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith("too few participants: ") and "of 4 participants" in str(result.exception)
    assert [one.name for one in tmp_path.iterdir()] == ["maps"]
