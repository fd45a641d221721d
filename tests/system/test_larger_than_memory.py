"""A recording larger than the memory a process may take trains all the same: its pictures stay on disk, mapped."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xgaze.data.rendered import render_cache, render_participant
from xgaze.data.sources.rendered import settings_of
from xgaze.recipe import load_recipe

HEIGHT, WIDTH, PEOPLE, FRAMES = 64, 80, 2000, 8
RECIPE = f"""
name: limited
data: {{source: rendered, height: {HEIGHT}, width: {WIDTH}, frames_per_participant: {FRAMES},
  train_participants: {PEOPLE}, validation_participants: 4, test_participants: 4}}
model: {{import: "thin:Thin"}}
training: {{epochs: 1, precision: 32-true, batch_size: 64}}
"""
PICTURES_MB = PEOPLE * FRAMES * 4 * HEIGHT * WIDTH / 2**20
SPARE_MB = 200
MODEL = """
import torch
from torch import nn

class Thin(nn.Module):
    def __init__(self):
        super().__init__()
        self.towers = nn.ModuleList(nn.Conv2d(1, 4, 16, stride=16) for _ in range(4))
        self.gaze = nn.Linear(4 * 4 * 4 * 5, 2)

    def forward(self, *eyes):
        return self.gaze(torch.cat([tower(eye).flatten(1) for tower, eye in zip(self.towers, eyes)], dim=1))
"""
LIMITED = f"""
import re, resource, sys
from pathlib import Path
import numpy as np
import torch
from xgaze.data.open import open_recording
from xgaze.data.rendered import render_cache
from xgaze.data.sources.rendered import settings_of
from xgaze.recipe import load_recipe
from xgaze.training import teacher

torch.set_num_threads(1)
recipe = load_recipe("limited.yaml")
# What libraries take once and for ever is taken before.
np.linalg.inv(np.eye(200) + np.ones((200, 200)) @ np.ones((200, 200)))
torch.nn.Conv2d(1, 32, 11)(torch.ones(24, 1, 64, 80).contiguous(memory_format=torch.channels_last)).sum().backward()
recording = open_recording(recipe.data)
taken = int(re.search(r"VmData:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (taken + {SPARE_MB} * 2**20,) * 2)
teacher.train_teacher(recipe, recording, Path("teacher"))
folder = render_cache.default_cache_dir() / settings_of(recipe.data).split("train").folder_name()
try:
    np.load(folder / "images.npy")
except MemoryError:
    print("trained, and its pictures do not fit")
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_DATA") or not Path("/proc/self/status").exists(), reason="Linux only")
def test_a_recording_larger_than_memory_trains(tmp_path):
    assert PICTURES_MB > 1.5 * SPARE_MB
    (tmp_path / "thin.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "limited.yaml").write_text(RECIPE, encoding="utf-8")
    write_splits(tmp_path / "limited.yaml", tmp_path / "cache")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([".", os.environ.get("PYTHONPATH", "")]),
        "XGAZE_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", LIMITED]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["trained, and its pictures do not fit"], done.stderr[-2000:]
    assert (tmp_path / "teacher" / "model.safetensors").is_file()


def write_splits(recipe: Path, cache: Path) -> None:
    """As the renderer leaves them, of two people again and again: rendering hundreds would take long."""
    data = load_recipe(recipe).data
    shown = [render_participant(number, FRAMES, HEIGHT, WIDTH) for number in range(2)]
    whole = {kind: np.concatenate([getattr(one, kind) for one in shown]) for kind in ("images", "regions", "gaze_px")}
    whole |= {f"state-{name}": np.concatenate([one.states[name] for one in shown]) for name in shown[0].states}
    for name in ("train", "validation", "test"):
        settings = settings_of(data).split(name)
        folder = cache / settings.folder_name()
        folder.mkdir(parents=True)
        render_cache._create_arrays(settings, folder)
        for kind, values in whole.items():
            stored = np.load(folder / f"{kind}.npy", mmap_mode="r+", allow_pickle=False)
            stored[:] = values[np.arange(len(stored)) % len(values)]
