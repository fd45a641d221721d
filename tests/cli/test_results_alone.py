"""Whatever a model of the user's prints, standard output is the result alone."""

import json
import sys

import click
import pytest
from click.testing import CliRunner

from xgaze.cli.common import emit, results_alone
from xgaze.cli.main import xgaze


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_printed_while_a_command_runs_goes_to_standard_error(as_json):
    @click.command()
    @click.argument("number", type=int)
    def command(number):
        sys.stdout.write("from a forward\n")
        emit({"number": number}, [f"number {number}"], as_json)
        sys.stderr.write("later\n")

    done = CliRunner().invoke(results_alone(command), ["7"], catch_exceptions=False)
    assert done.stdout == ('{"number": 7}\n' if as_json else "number 7\n")
    assert done.stderr == "from a forward\nlater\n"


def test_help_is_a_result():
    done = CliRunner().invoke(xgaze, ["predict", "--help"])
    assert done.stdout.startswith("Usage: xgaze predict") and not done.stderr


def test_a_network_that_prints_in_forward_leaves_json_whole(tmp_path, monkeypatch):
    (tmp_path / "chatty_net.py").write_text(
        "import torch\nfrom torch import nn\nfrom xgaze.models.layers import FeatureHead\nprint('imported')\n"
        "class Net(FeatureHead):\n"
        "    def __init__(self):\n        super().__init__()\n        self.head = nn.Sequential(nn.Linear(4, 2))\n"
        "    def features(self, *eyes):\n        print('looking')\n"
        "        return torch.stack([x.mean((1, 2, 3)) for x in eyes], 1)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    people = {f"{split}_participants": 2 for split in ("train", "validation", "test")}
    recipe = {
        "name": "chatty",
        "data": {"source": "rendered", "height": 32, "width": 40, "frames_per_participant": 3, **people},
        "model": {"import": "chatty_net:Net"},
        "training": {"epochs": 1, "loss": "euclidean", "precision": "32-true"},
    }
    (tmp_path / "chatty.yaml").write_text(json.dumps(recipe))
    for _ in range(2):  # trained, then already trained
        done = CliRunner().invoke(xgaze, ["train-teacher", "chatty.yaml", "--json"], catch_exceptions=False)
        assert json.loads(done.stdout)["recipe"] == "chatty"
        assert "looking" in done.stderr
    sys.modules.pop("chatty_net")
