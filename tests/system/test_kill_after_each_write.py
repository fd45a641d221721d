"""Commands, killed at each of their writes, finish when they are run again, and leave what they leave when left alone.

Here those that take seconds; `kills.py` does the same with any other: a search or a cross validation takes minutes.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TINY = """
name: tiny
data: {source: rendered, height: 32, width: 40, train_participants: 4, validation_participants: 3, test_participants: 3,
  frames_per_participant: 2}
model: {name: multi-eye, args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 2, batch_size: 16, loss: euclidean, precision: 32-true}
distill: {tuning_epochs: 1, ranks: [2], calibration_samples: 8}
"""
JOBS = {
    "taught": ("start", "train-teacher tiny.yaml", "os.rename /checkpoints/tiny/teacher/history.csv", 20),
    "forced": ("taught", "train-teacher tiny.yaml --force", "os.rename /checkpoints/tiny/.xgaze-old-teacher", 20),
    "predicted": ("taught", "predict checkpoints/tiny/teacher tiny.yaml --out p.csv", "os.rename /p.csv", 1),
    "rendered": ("start", "render eyes --people 2 --frames 1 --height 32 --width 32", "os.rename /eyes", 1),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What the script tells of every job, by its name."""
    base = tmp_path_factory.mktemp("kills")
    (base / "start").mkdir()
    (base / "start" / "tiny.yaml").write_text(TINY)
    jobs = [{"start": start, "end": name, "words": words.split()} for name, (start, words, *_) in JOBS.items()]
    script = Path(__file__).with_name("kills.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(script.parent)}
    done = subprocess.run(
        [sys.executable, script, base],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    yield dict(zip(JOBS, json.loads(done.stdout), strict=True))
    shutil.rmtree(base)


@pytest.mark.parametrize("name", JOBS)
def test_a_command_killed_at_each_write_ends_as_if_left_alone(killed, name):
    *_, one_of_them, at_least = JOBS[name]
    assert killed[name]["fault"] == ""
    assert one_of_them in killed[name]["kills"] and len(killed[name]["kills"]) >= at_least
