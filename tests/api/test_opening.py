"""What `import xgaze` offers, and recordings that lie in files."""

import subprocess
import sys

import pytest

import xgaze
from xgaze.errors import InputError

HEAVY = ("torch", "lightning", "captum", "sklearn", "pandas", "numpy", "pydantic")
OFFERED = {"open", "ArrayRecording", "train_teacher", "distill", "compress", "explain", "load"}


def test_importing_imports_nothing_that_is_not_used():
    code = f"import sys, xgaze; print([one for one in {HEAVY} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_offered():
    assert set(dir(xgaze)) >= OFFERED
    for name in OFFERED:
        assert callable(getattr(xgaze, name)) and getattr(xgaze, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'destil'"):
        _ = xgaze.destil


def test_a_definition_is_opened_and_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    people = "train_participants: 3\nvalidation_participants: 2\ntest_participants: 2\nframes_per_participant: 2\n"
    (tmp_path / "eyes.yaml").write_text(f"source: rendered\nheight: 32\nwidth: 40\n{people}")
    data = xgaze.open(tmp_path / "eyes.yaml", frames_per_participant=3)
    assert len(data) == 7 * 3 and data[0].target.shape == (2,) and data.definition.frames_per_participant == 3
    assert "9 samples of 3 participants" in repr(data) and "<th>train</th>" in data._repr_html_()
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such file"):
        xgaze.open("nowhere.yaml")


def test_no_command_opens_arrays(tmp_path):
    (tmp_path / "arrays.yaml").write_text("source: arrays\ncontent: abc\n")
    with pytest.raises(InputError, match="only Python can open them again"):
        xgaze.open(tmp_path / "arrays.yaml")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xgaze.train_teacher("no-recipe"), "no recipe 'no-recipe'"),
        (lambda: xgaze.train_teacher(3), r"xgaze\.train_teacher\(net, data\)"),
        (lambda: xgaze.train_teacher("multi-eye", [1, 2]), r"xgaze\.open or xgaze\.ArrayRecording"),
        (lambda: xgaze.distill([1]), r"xgaze\.train_teacher or xgaze\.distill"),
        (lambda: xgaze.load("nowhere"), "not a model folder"),
    ],
)
def test_wrong_things_are_told(call, message):
    with pytest.raises(InputError, match=message):
        call()
