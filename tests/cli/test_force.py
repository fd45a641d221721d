"""--force: what lies there stays until what replaces it is finished, and is replaced as a whole."""

import json
import os
import signal
import subprocess
import sys

import pytest

from xgaze.cli.main import xgaze
from xgaze.errors import InputError
from xgaze.writing import one_writer

TINY = """
name: tiny
data: {source: rendered, height: 32, width: 40, train_participants: 4, validation_participants: 3, test_participants: 3,
  frames_per_participant: 2}
model: {name: multi-eye, args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 1, batch_size: 16, loss: euclidean, precision: 32-true}
distill: {tuning_epochs: 1, ranks: [2], calibration_samples: 8}
"""
WILD = ("--set", "training.learning_rate=1e12")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a finished teacher."""
    place = tmp_path_factory.mktemp("force")
    (place / "tiny.yaml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("XGAZE_CACHE", str(place / "cache"))
        command("train-teacher", "tiny.yaml")
        yield place


def command(*words):
    return xgaze(list(words), standalone_mode=False)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_forced_training_that_fails_costs_nothing(place):
    teacher = place / "checkpoints" / "tiny" / "teacher"
    before = files(teacher)
    with pytest.raises(InputError, match="diverged in epoch 1"):
        command("train-teacher", "tiny.yaml", "--force", *WILD)
    assert files(teacher) == before


def test_a_forced_training_replaces_all_of_the_old(place):
    teacher = place / "checkpoints" / "tiny" / "teacher"
    before = files(teacher)
    (teacher / "of the old one").write_text("")
    command("train-teacher", "tiny.yaml", "--force")
    after = files(teacher)
    assert set(after) == set(before) and after["model.safetensors"] == before["model.safetensors"]
    assert after["model.json"] != before["model.json"]  # it took another time
    assert sorted(p.name for p in teacher.parent.iterdir()) == [".xgaze-writer.json", "scorings.json", "teacher"]


def test_what_was_finished_is_printed_while_another_process_writes(place, capsys):
    with one_writer(place / "checkpoints" / "tiny"):
        command("train-teacher", "tiny.yaml", "--json")
        assert json.loads(capsys.readouterr().out)["recipe"] == "tiny"
        for words in (
            ("train-teacher", "--force"),
            ("train-teacher", "--second"),
            ("distill", "--prune-fc"),
            ("crossval",),
        ):
            with pytest.raises(InputError, match="another process writes there"):
                command(*words, "tiny.yaml")


def test_a_forced_search_where_nothing_can_be_written_is_an_error(place, monkeypatch):
    """Not "already distilled", with exit code 0 and nothing done."""

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied", "checkpoints/tiny/.xgaze-writer.json")

    (place / "checkpoints" / "tiny" / "student").mkdir()
    (place / "checkpoints" / "tiny" / "student" / "model.json").write_text("{}")
    with monkeypatch.context() as patch, pytest.raises(PermissionError):
        patch.setattr("xgaze.writing.Path.open", refused)
        command("distill", "--prune-fc", "--effort", "quick", "tiny.yaml", "--force")
    assert (place / "checkpoints" / "tiny" / "student" / "model.json").read_text() == "{}"


def test_workers_stop_when_their_parent_is_killed(tmp_path):
    """Two workers that would write for a minute; their parent dies; soon nobody writes any more."""
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom xgaze.jobs import Fan, run_elsewhere\n"
        "def work(folder, name):\n"
        "    for k in range(600):\n        (Path(folder) / name).write_text(str(k)); time.sleep(0.1)\n"
        "run_elsewhere(Fan(2), work, [(sys.argv[1], 'a'), (sys.argv[1], 'b')], '2 jobs')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=os.environ)
    while len(list(tmp_path.iterdir())) < 2:
        assert parent.poll() is None
        signal.sigtimedwait([], 0.1)
    parent.kill()
    parent.wait()
    seen, still = None, 0
    for _ in range(300):
        signal.sigtimedwait([], 0.1)
        now = {path.name: path.read_text() for path in tmp_path.iterdir()}
        still = still + 1 if now == seen else 0
        seen = now
        if still == 20:  # two seconds without a word, where each worker writes ten times a second
            break
    assert still == 20
