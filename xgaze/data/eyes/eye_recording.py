"""Eye-camera frames in folders as a `Recording`. Pictures are decoded one sample at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from xgaze.data.contract import InputSpec, Recording, Sample, Spec
from xgaze.data.eyes.eye_scan import EyeScan, Frame, Session, scan
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.fault_kinds import raise_faults
from xgaze.data.mirror_pairs import partners_by_name
from xgaze.data.pictures.pixels import read_grey, resize_grey
from xgaze.recorded_targets import GAZE_COLUMNS


@dataclass(frozen=True, eq=False)
class EyeFoldersRecording(Recording):
    """Frames of several sessions: row i is `frames[i]`, a session and one of its frames."""

    spec: Spec
    table: pd.DataFrame
    data: EyeFoldersData
    frames: list[tuple[Session, Frame]]
    notes: tuple[str, ...] = ()

    @property
    def partners(self) -> tuple[int, ...] | None:
        return partners_by_name(self.spec.inputs, self.data.mirror_images)

    def __getitem__(self, row: int) -> Sample:
        """Decode all views of a frame. Raises InputError naming the file that cannot be used."""
        session, frame = self.frames[row]
        images = {}
        for one in self.spec.inputs:
            pixels = read_grey(session.folder / frame.files[one.name], self.data.height, self.data.width)
            images[one.name] = resize_grey(pixels, *one.picture[1:])[None]
        groups = {"group": session.participant, "session": session.session}
        return Sample(frame_id(session, frame), groups, images, np.array(frame.gaze, np.float32))


def open_eye_folders(data: EyeFoldersData) -> EyeFoldersRecording:
    """Open a recording; `labels: null` gives NaN targets. Raises InputError with every fault that shows undecoded."""
    return recording_of(scan(data), data, data.path)


def recording_of(found: EyeScan, data: EyeFoldersData, where: Path) -> EyeFoldersRecording:
    """A recording of what a scan found. Raises InputError with the scan's faults, calling the recording `where`."""
    raise_faults(where, found.faults)
    frames = [(session, frame) for session in found.sessions for frame in session.frames]
    return EyeFoldersRecording(spec_of(data), _table(frames), data, frames, found.notes)


def spec_of(data: EyeFoldersData) -> Spec:
    """What a model of this recording reads and predicts."""
    height, width = data.resize_height or data.height, data.resize_width or data.width
    inputs = tuple(InputSpec(view, (1, height, width), data.mean, data.std) for view in data.views)
    return Spec(inputs, "gaze", unit=data.unit, scene=(data.scene.width, data.scene.height))


def frame_id(session: Session, frame: Frame) -> str:
    return f"{session.participant}/{session.session}/{frame.name}"


def _table(frames: Iterable[tuple[Session, Frame]]) -> pd.DataFrame:
    rows = [(frame_id(s, frame), s.participant, s.session, s.split, *frame.gaze) for s, frame in frames]
    return pd.DataFrame(rows, columns=["id", "group", "session", "split", *GAZE_COLUMNS])
