"""A toy recording with a known answer, small enough to train on in seconds, and what several test processes need made once."""

import shutil
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from xgaze.data.contract import InputSpec, Recording, Sample, Spec

SIDE = 40
PEOPLE = {"train": 12, "validation": 8, "test": 8}
FRAMES = 6


@dataclass
class ToyRecording(Recording):
    """Two cameras see a bright blob whose place gives the gaze point; people differ by a constant shift."""

    spec: Spec
    table: pd.DataFrame
    images: np.ndarray
    regions: tuple[str, ...] = ("skin", "pupil")
    labels: np.ndarray | None = field(default=None)

    def __getitem__(self, row: int) -> Sample:
        line = self.table.iloc[row]
        gaze = line[["gaze_x_px", "gaze_y_px"]].to_numpy(np.float32)
        target = gaze if self.spec.kind == "gaze" else np.int64(line["label"])
        inputs = {one.name: self.images[row, k : k + 1] for k, one in enumerate(self.spec.inputs)}
        regions = (self.images[row, : len(self.spec.inputs)] > 128).astype(np.uint8)
        groups = {"group": line["group"], "session": line["session"]}
        return Sample(line["id"], groups, inputs, target, {"regions": regions})


def blob(centre_x, centre_y):
    yy, xx = np.mgrid[:SIDE, :SIDE]
    return 20 + 200 * np.exp(-((xx - centre_x) ** 2 + (yy - centre_y) ** 2) / 30)


def toy(kind: str, seed: int = 0) -> ToyRecording:
    rng = np.random.default_rng(seed)
    rows, images = [], []
    for split, people in PEOPLE.items():
        for person in range(people):
            shift = rng.normal(0, 0.3, 2)
            for frame in range(FRAMES):
                x, y = rng.uniform(8, SIDE - 8, 2)
                noise = rng.normal(0, 3, (2, SIDE, SIDE))
                views = np.stack([blob(x + shift[0], y + shift[1]), blob(y + shift[1], x + shift[0])]) + noise
                images.append(np.clip(views, 0, 255).astype(np.uint8))
                name = f"{split}{person}"
                rows.append((f"{name}/0/{frame}", name, "0", split, x * 20, y * 15, int(x > SIDE / 2)))
    columns = ["id", "group", "session", "split", "gaze_x_px", "gaze_y_px", "label"]
    inputs = tuple(InputSpec(name, (1, SIDE, SIDE), 40.0, 60.0) for name in ("eye0", "eye1"))
    if kind == "gaze":
        spec = Spec(inputs, "gaze", scene=(800, 600))
    else:
        spec = Spec(inputs, "class", unit="AUC", classes=("left", "right"))
    return ToyRecording(spec, pd.DataFrame(rows, columns=columns), np.stack(images))


@pytest.fixture(scope="session")
def gaze_recording():
    return toy("gaze")


@pytest.fixture(scope="session")
def class_recording():
    """Two classes of pictures, one camera only."""
    recording = toy("class")
    spec = Spec(recording.spec.inputs[:1], "class", unit="AUC", classes=("left", "right"))
    return ToyRecording(spec, recording.table, recording.images)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, testrun_uid):
    """(name, make) -> a copy of one's own of the folder that `make` wrote, in whichever test process asked first."""
    common = tmp_path_factory.getbasetemp().parent / f"made-once-{testrun_uid}"

    def copied(name, make):
        common.mkdir(exist_ok=True)
        whole = common / name
        with FileLock(f"{whole}.lock"):
            if not whole.exists():
                make(tmp_path_factory.mktemp(name)).rename(whole)
        return shutil.copytree(whole, tmp_path_factory.mktemp(name) / whole.name)

    return copied


SLOW_FIRST = ("tests/system/", "tests/test_docs_python.py", "tests/browser/")
"""Files of few tests that take minutes: begun last, they would leave one process working and the others idle."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW_FIRST))


@pytest.fixture(scope="session")
def make_recipe():
    """A recipe for the toy recordings; sections given by keyword replace the defaults."""
    from xgaze.recipe import Recipe

    def make(**sections):
        stored = {
            "name": "toy",
            "data": {"source": "rendered"},
            "model": {
                "name": "multi-eye",
                "args": {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False},
            },
            "training": {"epochs": 3, "batch_size": 12, "precision": "32-true", "loss": "euclidean"},
            "distill": {"tuning_epochs": 2, "ranks": [2, 4], "calibration_samples": 64},
        }
        return Recipe.model_validate({**stored, **sections})

    return make


MANIFEST_SIDE = 16
MANIFEST_PEOPLE = {"train": 6, "validation": 4, "test": 4}


def manifest_table(folder, frames=5, seed=0):
    """Pictures of a blob seen by two cameras, and their table: gaze in px of 800x600, a class, a value, two numbers of a head."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    (folder / "eyes").mkdir(parents=True, exist_ok=True)
    yy, xx = np.mgrid[:MANIFEST_SIDE, :MANIFEST_SIDE]
    rows = []
    for split, people in MANIFEST_PEOPLE.items():
        for person in (f"{split[:2]}{k}" for k in range(people)):
            for frame in range(frames):
                x, y = rng.uniform(3, MANIFEST_SIDE - 3, 2)
                files = {}
                for camera, (u, v) in {"left": (x, y), "right": (y, x)}.items():
                    grey = 20 + 200 * np.exp(-((xx - u) ** 2 + (yy - v) ** 2) / 12) + rng.normal(0, 3, xx.shape)
                    files[camera] = f"eyes/{person}_{frame}_{camera}.png"
                    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(folder / files[camera])
                head = {"head_pitch": round(rng.normal(), 4), "head_yaw": round(rng.normal(), 4)}
                truth = {"x_px": round(x * 50, 3), "y_px": round(y * 37.5, 3), "side": "right" if x > 8 else "left"}
                depth = {"depth": round(x + y + head["head_pitch"], 4)}
                rows.append({**files, **head, **truth, **depth, "participant": person, "split": split})
    return pd.DataFrame(rows)


MANIFEST = {
    "source": "manifest",
    "path": "samples.csv",
    "inputs": {
        name: {"picture": name, "height": MANIFEST_SIDE, "width": MANIFEST_SIDE, "mean": 40, "std": 60}
        for name in ("left", "right")
    },
    "target": {"kind": "gaze", "columns": ["x_px", "y_px"]},
    "scene": {"width": 800, "height": 600},
}


@pytest.fixture
def manifest(tmp_path):
    """A manifest of two grey pictures a row, written below `tmp_path`; keys and columns given replace the defaults."""
    import yaml

    from xgaze.recipe import load_data

    def write(columns=(), **keys):
        if keys.get("target", MANIFEST["target"])["kind"] != "gaze":
            keys.setdefault("scene", None)
        table = manifest_table(tmp_path)
        for name, own in dict(columns).items():
            table[name] = own(table) if callable(own) else own
        table.to_csv(tmp_path / "samples.csv", index=False)
        (tmp_path / "samples.yaml").write_text(yaml.safe_dump({**MANIFEST, **keys}))
        return load_data(tmp_path / "samples.yaml")

    return write
