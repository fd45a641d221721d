"""Resident memory of `xgaze train-teacher` by number of people: anonymous, which must fit, and of mapped files.

    python benchmarks/memory.py [--people 40 400 4000] [--frames 12]

Tiny rendered frames, one epoch. The recording is rendered beforehand; each training then runs in a process of its own, and memory
is read every 20 ms. Figures are the most that was seen.
Beside them, how much each further frame takes: the growth from the fewest people to these, by the frames that are more.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDE_PX = 40
RENDERED = 20
ARCHITECTURE = "model.args={first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}"
EVERY_S = 0.02
MB = 1024.0  # of the kB that the kernel tells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--people", type=int, nargs="+", default=[40, 400, 4000], help="in training; a tenth beside to test"
    )
    parser.add_argument("--frames", type=int, default=12, help="per participant")
    parser.add_argument("--step", choices=["render", "train"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(STEPS[asked.step](asked.people[0], asked.frames)))
        return
    print("people   frames   pictures   anonymous at start   at most    grown   per further frame   mapped files")
    first: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for people in asked.people:
            run("render", people, asked.frames, Path(folder))
            told = run("train", people, asked.frames, Path(folder))
            first = first or told
            print(in_words(told, first), flush=True)


def run(step: str, people: int, frames: int, folder: Path) -> dict[str, Any]:
    """One step in a process of its own, with a cache that is thrown away."""
    command = [sys.executable, __file__, "--step", step, "--people", str(people), "--frames", str(frames)]
    done = subprocess.run(command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XGAZE_CACHE": str(folder / "cache")}


def recipe_of(people: int, frames: int) -> Any:
    from xgaze.recipe import load_recipe

    few = max(2, people // 10)
    asked = {
        **{"train_participants": people, "validation_participants": few, "test_participants": few},
        **{"frames_per_participant": frames, "height": SIDE_PX, "width": SIDE_PX},
    }
    sets = [f"data.{key}={value}" for key, value in asked.items()]
    return load_recipe(
        "multi-eye", (*sets, ARCHITECTURE, "training.epochs=1", "training.precision=32-true", f"name=memory-{people}")
    )


def render(people: int, frames: int) -> dict[str, Any]:
    """Splits as the renderer leaves them in the cache, of `RENDERED` people again and again: memory does not heed what
    pictures show, and rendering thousands would take long."""
    from xgaze.data.rendered import default_cache_dir, render_cache, render_participant
    from xgaze.data.sources.rendered import settings_of

    shown = [render_participant(number, frames, SIDE_PX, SIDE_PX) for number in range(RENDERED)]
    whole = {kind: np.concatenate([getattr(one, kind) for one in shown]) for kind in ("images", "regions", "gaze_px")}
    whole |= {f"state-{name}": np.concatenate([one.states[name] for one in shown]) for name in shown[0].states}
    for name in ("train", "validation", "test"):
        settings = settings_of(recipe_of(people, frames).data).split(name)
        folder = default_cache_dir() / settings.folder_name()
        folder.mkdir(parents=True, exist_ok=True)
        render_cache._create_arrays(settings, folder)
        for kind, values in whole.items():
            stored = np.load(folder / f"{kind}.npy", mmap_mode="r+", allow_pickle=False)
            stored[:] = values[np.arange(len(stored)) % len(values)]
    return {}


def train(people: int, frames: int) -> dict[str, Any]:
    from xgaze.data.open import open_recording
    from xgaze.training.teacher import train_teacher

    settings = recipe_of(people, frames)
    start = resident()["RssAnon"]
    with Watch() as watch:
        recording = open_recording(settings.data)
        train_teacher(settings, recording, Path(settings.name))
    pictures = len(recording.table) * 2 * 4 * SIDE_PX**2 / 1024  # images and regions, in kB
    return {"people": people, "samples": len(recording.table), "pictures": pictures, "start": start, **watch.most}


STEPS = {"render": render, "train": train}


class Watch(threading.Thread):
    """The most memory of each kind, in kB, while the block runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = {"RssAnon": 0, "RssFile": 0}
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            now = resident()
            self.most = {kind: max(most, now[kind]) for kind, most in self.most.items()}
            time.sleep(EVERY_S)

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def resident() -> dict[str, int]:
    """This process' resident memory in kB, by kind."""
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[0].startswith("Rss")}


def in_words(told: dict[str, Any], first: dict[str, Any]) -> str:
    grown, least = (one["RssAnon"] - one["start"] for one in (told, first))
    more = told["samples"] - first["samples"]
    further = f"{1024 * (grown - least) / more:7,.0f} bytes" if more else " " * 13
    return (
        f"{told['people']:6,} {told['samples']:8,} {told['pictures'] / MB:7.1f} MB {told['start'] / MB:17.1f} MB "
        f"{told['RssAnon'] / MB:6.1f} MB {grown / MB:5.1f} MB {further:>19} {told['RssFile'] / MB:11.1f} MB"
    )


if __name__ == "__main__":
    main()
