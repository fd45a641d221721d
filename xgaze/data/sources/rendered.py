"""The embedded rendered recording as a `Recording`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from xgaze.data.contract import GAZE_COLUMNS, SPLITS, InputSpec, Sample, Spec
from xgaze.data.rendered import (
    CAMERAS,
    REGIONS,
    RecordingSettings,
    RenderedRecording,
    default_cache_dir,
    open_recording,
)
from xgaze.progress import Advance
from xgaze.recipe import RenderedData

SCENE = (800, 600)
MEAN, STD = 98.54010552, 41.5086445


@dataclass(frozen=True)
class RenderedSource:
    """Rows: all of train, then validation, then test; within a split, people and their frames in order."""

    spec: Spec
    table: pd.DataFrame
    recording: RenderedRecording
    regions: tuple[str, ...] = tuple(REGIONS)

    def __getitem__(self, row: int) -> Sample:
        sample, participant, session, name, k = self._rows[row]
        split = self.recording.split(name)
        inputs = {camera: split.images[k, c : c + 1] for c, camera in enumerate(CAMERAS)}
        groups = {"participant": participant, "session": session}
        return Sample(sample, groups, inputs, split.gaze_px[k], {"regions": split.regions[k]})

    @cached_property
    def _rows(self) -> list[tuple[str, str, str, str, int]]:
        """The table as a list: looking a row up in a table costs more than reading its pictures."""
        columns = ("id", "participant", "session", "split", "place")
        return list(zip(*(self.table[column].tolist() for column in columns), strict=True))


def open_rendered(data: RenderedData, advance: Advance | None = None) -> RenderedSource:
    """Render (or find in the cache) and open."""
    recording = open_recording(settings_of(data), default_cache_dir(), progress=advance)
    return RenderedSource(
        rendered_spec(data), pd.concat([_table(recording, split) for split in SPLITS], ignore_index=True), recording
    )


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


def _table(recording: RenderedRecording, name: str) -> pd.DataFrame:
    split = recording.split(name)
    table = pd.DataFrame({"participant": split.participant, "session": "0", "split": name})
    table.insert(0, "id", [f"{person}/0/{frame}" for person, frame in zip(split.participant, split.frame, strict=True)])
    table[GAZE_COLUMNS] = split.gaze_px
    table["place"] = np.arange(len(split))
    return table
