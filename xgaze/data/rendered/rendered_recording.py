"""The embedded rendered recording as a `Recording`."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import SPLITS, InputSpec, Recording, Sample, Spec
from xgaze.data.rendered import (
    CAMERAS,
    REGIONS,
    RecordingSettings,
    RenderedRecording,
    RenderedSplit,
    default_cache_dir,
    open_recording,
    open_unlabelled_people,
)
from xgaze.data.rendered.headset import EYE_OF_CAMERA
from xgaze.progress import Advance
from xgaze.recipe.data_sections import EYE_MEAN, EYE_STD
from xgaze.recorded_targets import GAZE_COLUMNS

SCENE = (800, 600)
SESSION = "0"
RIGHT = 1


@dataclass(frozen=True)
class RenderedSource(Recording):
    """Rows: all of train, then validation, then test; within a split, people and their frames in order."""

    spec: Spec
    table: pd.DataFrame
    recording: RenderedRecording
    regions: tuple[str, ...] = tuple(REGIONS)
    mirrored: tuple[bool, ...] = tuple(eye == RIGHT for eye in EYE_OF_CAMERA)
    partners: tuple[int, ...] = tuple(range(len(CAMERAS)))[::-1]  # from the left temporal to the right temporal one

    def __getitem__(self, row: int) -> Sample:
        name, k = self._place(row)
        split = self.recording.split(name)
        person = str(split.participant[k])
        inputs = {camera: split.images[k, c : c + 1] for c, camera in enumerate(CAMERAS)}
        groups = {"group": person, "session": SESSION}
        return Sample(_id(person, int(split.frame[k])), groups, inputs, split.gaze_px[k], {"regions": split.regions[k]})

    def states(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        table = self.table.iloc[rows]
        (split,) = table["split"].unique()
        stored = self.recording.split(str(split)).states
        places = table["place"].to_numpy()
        return {name: values[places].astype(np.float64) for name, values in stored.items()}

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Means over both eyes; how far the headset has slipped since it was put on."""
        known = self.states(rows)
        return {
            "lid opening, mm": known["lid_opening_mm"].mean(axis=1),
            "pupil radius, mm": known["pupil_radius_mm"].mean(axis=1),
            "slippage, mm": np.linalg.norm(known["slippage_mm"], axis=1),
            "slippage, degrees": np.linalg.norm(known["slippage_deg"], axis=1),
            "target depth, m": known["depth_m"],
            "blink": np.where(known["closing"] > 0, "closing or opening", "none"),
        }

    def _place(self, row: int) -> tuple[str, int]:
        """A row's split and its place there, counted: looking it up in the table costs more than reading its pictures."""
        row = range(len(self.table))[row]
        number = bisect_right(self._starts, row) - 1
        return SPLITS[number], row - self._starts[number]

    @cached_property
    def _starts(self) -> list[int]:
        """First row of each split."""
        return [0, *accumulate(len(self.recording.split(name)) for name in SPLITS[:-1])]


@dataclass(frozen=True, eq=False)
class RenderedPeople(Recording):
    """Rendered frames of people outside the splits; row i is frame i."""

    spec: Spec
    table: pd.DataFrame
    frames: RenderedSplit

    def __getitem__(self, row: int) -> Sample:
        person, images = str(self.frames.participant[row]), self.frames.images[row]
        inputs = {camera: images[c : c + 1] for c, camera in enumerate(CAMERAS)}
        groups = {"group": person, "session": SESSION}
        return Sample(_id(person, int(self.frames.frame[row])), groups, inputs, self.frames.gaze_px[row])


def open_rendered(settings: RecordingSettings, advance: Advance | None = None) -> RenderedSource:
    """Render (or find in the cache) and open."""
    recording = open_recording(settings, default_cache_dir(), progress=advance)
    return RenderedSource(rendered_spec(settings), _table(recording), recording)


def rendered_spec(settings: RecordingSettings) -> Spec:
    """What models read and predict, known before anything is rendered."""
    inputs = tuple(InputSpec(camera, (1, settings.height, settings.width), EYE_MEAN, EYE_STD) for camera in CAMERAS)
    return Spec(inputs, "gaze", scene=SCENE, rendered=True)


def unlabelled_people(
    settings: RecordingSettings, count: int, spec: Spec, advance: Advance | None = None
) -> RenderedPeople:
    """More people, who are in no split."""
    frames = open_unlabelled_people(settings, count, default_cache_dir(), progress=advance)
    ids = [_id(person, frame) for person, frame in zip(frames.participant, frames.frame, strict=True)]
    table = pd.DataFrame({"id": ids, "group": frames.participant, "session": SESSION})
    return RenderedPeople(spec, table, frames)


def _table(recording: RenderedRecording) -> pd.DataFrame:
    """All splits below one another. A word that many rows share is made once and taken by its number: a Python string for every
    row would be four fifths of a training's memory that grows with the number of frames."""
    splits = [recording.split(name) for name in SPLITS]
    people = pd.concat([_people(one.participant) for one in splits], ignore_index=True)
    frames = pd.Series(np.arange(max(one.frame.max() for one in splits) + 1).astype(str), dtype="str")
    frames = frames.take(np.concatenate([one.frame for one in splits])).reset_index(drop=True)
    sizes = [len(one) for one in splits]
    table = pd.DataFrame({"id": people + f"/{SESSION}/" + frames, "group": people, "session": SESSION})
    table["split"] = pd.Series(SPLITS, dtype="str").take(np.repeat(np.arange(len(SPLITS)), sizes)).array
    table[GAZE_COLUMNS] = np.concatenate([one.gaze_px for one in splits])
    table["place"] = np.concatenate([np.arange(size) for size in sizes])
    return table


def _people(participant: NDArray[np.str_]) -> "pd.Series[str]":
    """As text. Everyone's frames follow one another: neither copies nor a sort of fixed-width strings."""
    starts = np.append(0, np.flatnonzero(participant[1:] != participant[:-1]) + 1)
    lengths = np.diff(starts, append=len(participant))
    return pd.Series(participant[starts].astype(str), dtype="str").take(np.repeat(np.arange(len(starts)), lengths))


def _id(person: str, frame: int) -> str:
    return f"{person}/{SESSION}/{frame}"
