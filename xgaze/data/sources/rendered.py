"""The embedded rendered recording as a `Recording`."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import GAZE_COLUMNS, SPLITS, InputSpec, Sample, Spec
from xgaze.data.rendered import (
    CAMERAS,
    REGIONS,
    RecordingSettings,
    RenderedRecording,
    default_cache_dir,
    open_recording,
)
from xgaze.data.rendered.headset import EYE_OF_CAMERA
from xgaze.progress import Advance
from xgaze.recipe import RenderedData

SCENE = (800, 600)
SESSION = "0"
RIGHT = 1
MEAN, STD = 98.54010552, 41.5086445


@dataclass(frozen=True)
class RenderedSource:
    """Rows: all of train, then validation, then test; within a split, people and their frames in order."""

    spec: Spec
    table: pd.DataFrame
    recording: RenderedRecording
    regions: tuple[str, ...] = tuple(REGIONS)
    mirrored: tuple[bool, ...] = tuple(eye == RIGHT for eye in EYE_OF_CAMERA)
    """Which inputs show a right eye: the mirror image of a left one."""

    def __getitem__(self, row: int) -> Sample:
        name, k = self._place(row)
        split = self.recording.split(name)
        person = str(split.participant[k])
        inputs = {camera: split.images[k, c : c + 1] for c, camera in enumerate(CAMERAS)}
        groups = {"participant": person, "session": SESSION}
        return Sample(_id(person, int(split.frame[k])), groups, inputs, split.gaze_px[k], {"regions": split.regions[k]})

    def _place(self, row: int) -> tuple[str, int]:
        """A row's split and its place there, counted: looking it up in the table costs more than reading its pictures."""
        row = range(len(self.table))[row]
        number = bisect_right(self._starts, row) - 1
        return SPLITS[number], row - self._starts[number]

    @cached_property
    def _starts(self) -> list[int]:
        """First row of each split."""
        return [0, *accumulate(len(self.recording.split(name)) for name in SPLITS[:-1])]


def open_rendered(data: RenderedData, advance: Advance | None = None) -> RenderedSource:
    """Render (or find in the cache) and open."""
    recording = open_recording(settings_of(data), default_cache_dir(), progress=advance)
    return RenderedSource(rendered_spec(data), _table(recording), recording)


def rendered_spec(data: RenderedData) -> Spec:
    """What models read and predict, known before anything is rendered."""
    inputs = tuple(InputSpec(camera, (1, data.height, data.width), MEAN, STD) for camera in CAMERAS)
    return Spec(inputs, "gaze", scene=SCENE, rendered=True)


def settings_of(data: RenderedData) -> RecordingSettings:
    """The renderer's settings of a recipe's data section."""
    return RecordingSettings(
        data.height,
        data.width,
        data.train_participants,
        data.validation_participants,
        data.test_participants,
        data.frames_per_participant,
        data.seed,
    )


def _table(recording: RenderedRecording) -> pd.DataFrame:
    """All splits below one another. A word that many rows share is made once and taken by its number: a Python string for every
    row would be four fifths of a training's memory that grows with the number of frames."""
    splits = [recording.split(name) for name in SPLITS]
    people = _taken(np.concatenate([one.participant for one in splits]))
    frames = _taken(np.concatenate([one.frame for one in splits]))
    sizes = [len(one) for one in splits]
    table = pd.DataFrame({"id": people + f"/{SESSION}/" + frames, "participant": people, "session": SESSION})
    table["split"] = pd.Series(SPLITS, dtype="str").take(np.repeat(np.arange(len(SPLITS)), sizes)).array
    table[GAZE_COLUMNS] = np.concatenate([one.gaze_px for one in splits])
    table["place"] = np.concatenate([np.arange(size) for size in sizes])
    return table


def _taken(values: NDArray[Any]) -> "pd.Series[str]":
    """The values as text."""
    each, numbers = np.unique(values, return_inverse=True)
    return pd.Series(each.astype(str), dtype="str").take(numbers).reset_index(drop=True)


def _id(person: str, frame: int) -> str:
    return f"{person}/{SESSION}/{frame}"
