"""Writes a rendered recording as folders of eye images, the layout users of the multi-eye reader bring themselves:
`{train,val,test}/{participant}/IMG1/Learn.csv` and `{frame}_{camera}.png`, frames from 1, cameras 0, 1, 3, 4."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from uuid import uuid4

import numpy as np
from PIL import Image

from xgaze.data.rendered.headset import CAMERA_NUMBERS
from xgaze.data.rendered.rendered_splits import RenderedRecording, RenderedSplit

SPLIT_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
SESSION = "IMG1"


def write_eye_folders(recording: RenderedRecording, out_dir: Path, limit: int | None = None) -> Path:
    """Write the recording, or at most `limit` participants of each split, below out_dir; returns out_dir.

    A participant's folder appears only when complete; one that is there already is replaced.
    """
    for name, folder in SPLIT_FOLDERS.items():
        split = recording.split(name)
        (out_dir / folder).mkdir(parents=True, exist_ok=True)
        for participant in np.unique(split.participant)[:limit].tolist():
            _write_participant(split, participant, out_dir / folder)
    return out_dir


def _write_participant(split: RenderedSplit, participant: str, split_dir: Path) -> None:
    partial = split_dir / f".partial-{participant}-{uuid4().hex}"
    session = partial / SESSION
    session.mkdir(parents=True)
    try:
        rows = np.flatnonzero(split.participant == participant)
        _write_learn_csv(session / "Learn.csv", split, rows)
        for row in rows:
            for camera, image in zip(CAMERA_NUMBERS, split.images[row], strict=True):
                Image.fromarray(np.asarray(image)).save(session / f"{split.frame[row] + 1}_{camera}.png")
        shutil.rmtree(split_dir / participant, ignore_errors=True)
        partial.replace(split_dir / participant)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_learn_csv(path: Path, split: RenderedSplit, rows: np.ndarray) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", "cornerxy[0]", "cornerxy[1]"])
        for row in rows:
            x, y = split.gaze_px[row]
            writer.writerow([int(split.frame[row]) + 1, f"{x:.4f}", f"{y:.4f}"])
