"""Commands that compute nothing start at once: nothing heavy is imported for help, or for a fault of the recipe."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from xgaze.cli.main import COMMANDS, imported, purpose, xgaze

HEAVY = ("torch", "lightning", "captum", "sklearn", "pandas", "matplotlib")
RECIPES = ("multi-eye-reference", "heatmap-cnn", "scanpath-cnn", "gat", "mrcnn")
"""One of each data format that recipes come with."""
RUN = f"""
import sys
from xgaze.cli.main import main
try:
    main()
finally:
    print("imported", [one for one in {HEAVY!r} if one in sys.modules])
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "train-teacher"),
        (["--version"], "version"),
        (["distil"], "No such command 'distil'"),
        (["train-teacher", "--set", "training.epoch=3"], "training.epoch"),
        (["train-teacher", "nowhere.yaml"], "nowhere.yaml"),
        *((["train-teacher", name, "--set", "data.pth=x"], "'data.pth'; did you mean") for name in RECIPES),
        (["distill", "--set", "training.epoch=3"], "training.epoch"),
        (["explain", "--set", "training.epoch=3"], "training.epoch"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
    ],
    ids=lambda one: one if isinstance(one, str) else " ".join(one),
)
def test_nothing_heavy_is_imported(words, said):
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)
    assert said in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "imported []"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_commands_says_what_each_says_of_itself(name):
    context = xgaze.make_context("xgaze", [], resilient_parsing=True)
    command = xgaze.get_command(context, name)
    assert command.name == name and purpose(name, 60) == command.get_short_help_str(60)


def test_every_command_is_in_the_help():
    lines = CliRunner().invoke(xgaze, ["--help"]).stdout.splitlines()
    listed = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if line.strip()]
    assert set(COMMANDS) <= set(listed)


def test_a_command_that_runs_again_is_not_wrapped_again():
    assert imported("check") is imported("check")
    before = imported("check").callback
    CliRunner().invoke(xgaze, ["check", "--help"])
    assert imported("check").callback is before
