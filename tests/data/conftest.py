"""Small good recordings on disk, for tests to damage."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.pictures.gaze_image_section import GazeImagesData

CAMERAS = (0, 1, 3, 4)
HEIGHT, WIDTH = 8, 12
PEOPLE = {"train": ("1", "2"), "val": ("5", "6"), "test": ("3", "11")}


def save_picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_session(folder: Path, frames: int, rng: np.random.Generator) -> None:
    """`frames` frames of four views, and their Learn.csv."""
    for frame in range(1, frames + 1):
        for camera in CAMERAS:
            save_picture(folder / f"{frame}_{camera}.png", rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8))
    rows = [f"{100 + frame},{50 + frame}.5" for frame in range(1, frames + 1)]
    (folder / "Learn.csv").write_text("\n".join(["cornerxy[0],cornerxy[1]", *rows]) + "\n")


@pytest.fixture
def eyes(tmp_path):
    """Six participants of one session and three frames each, without fault."""
    rng = np.random.default_rng(0)
    for split, people in PEOPLE.items():
        for person in people:
            write_session(tmp_path / "eyes" / split / person / "IMG1", 3, rng)
    return EyeFoldersData(source="eye-folders", path=tmp_path / "eyes", height=HEIGHT, width=WIDTH)


@pytest.fixture
def heatmaps(tmp_path):
    """Two classes of four participants with two pictures each, laid out class/participant/picture."""
    rng = np.random.default_rng(0)
    for k in range(8):
        for picture in range(2):
            path = tmp_path / "maps" / ("control", "patient")[k % 2] / str(k) / f"{picture}.png"
            save_picture(path, rng.integers(0, 256, (10, 14, 3), np.uint8))
    return GazeImagesData(source="gaze-images", path=tmp_path / "maps", height=8, width=8)


class ArrayFolder:
    """An .npz with its CSV in one folder; `write` replaces parts of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = np.random.default_rng(0).integers(0, 256, (12, 9, 9), np.uint8)
        self.lines = [f"{k // 2},{k // 2 % 2},{('TD', 'ASD')[k // 2 % 2]}" for k in range(12)]
        self.header = "participant,label,class"

    def write(self, **arrays: np.ndarray) -> GazeImagesData:
        self.folder.mkdir(exist_ok=True)
        np.savez(self.folder / "images.npz", **(arrays or {"images": self.images}))
        (self.folder / "images.csv").write_text("\n".join([self.header, *self.lines]) + "\n")
        return GazeImagesData(source="gaze-images", path=self.folder, height=8, width=8, channels=1)


@pytest.fixture
def array_folder(tmp_path):
    return ArrayFolder(tmp_path / "array")


@pytest.fixture
def only_fault():
    """(data, kind) -> the message of the one fault that is found."""

    def message_of(data, kind):
        faults = check(data)
        assert [fault.kind for fault in faults] == [kind]
        return faults[0].message

    return message_of


VIEWING_COLUMNS = {"participant": "who", "stimulus": "image", "x": "x", "y": "y", "duration": "ms"}


@pytest.fixture
def viewings(tmp_path):
    """Writes `count` photographs of 80x60 px to stimuli/ and fixations.csv, where looks(rng, k) are those on photograph k:
    (viewer, x, y). Returns the columns of the table."""

    def write(count, looks, more=()):
        rng, rows = np.random.default_rng(0), []
        for k in range(count):
            save_picture(tmp_path / "stimuli" / f"{k}.png", rng.integers(0, 256, (60, 80, 3), np.uint8))
            rows += [(viewer, f"{k}.png", x, y, 200) for viewer, x, y in looks(rng, k)]
        table = pd.DataFrame([*rows, *more], columns=["who", "image", "x", "y", "ms"])
        table.to_csv(tmp_path / "fixations.csv", index=False)
        return VIEWING_COLUMNS

    return write


@pytest.fixture
def one_session():
    """(data, frames, rows) -> the folder of its only session, `test/3/IMG1`: copies of one frame, with the given label rows."""

    def made(data, frames, rows):
        folder = data.path / "test/3/IMG1"
        pictures = {camera: (folder / f"1_{camera}.png").read_bytes() for camera in (0, 1, 3, 4)}
        shutil.rmtree(data.path)
        folder.mkdir(parents=True)
        for frame in range(1, frames + 1):
            for camera, content in pictures.items():
                (folder / f"{frame}_{camera}.png").write_bytes(content)
        (folder / "Learn.csv").write_text("cornerxy[0],cornerxy[1]\n" + "\n".join(rows) + "\n")
        return folder

    return made
