"""Recordings of Pupil Core and Neon as a `Recording`. Eye videos are decoded once, and their frames kept as pixels."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, targets_of
from xgaze.data.eye_videos.core_folders import core_eye, core_gaze, is_core
from xgaze.data.eye_videos.eye_videos_section import PupilRecordingsData
from xgaze.data.eye_videos.joined_frames import Joined, joined, nothing_joined
from xgaze.data.eye_videos.neon_folders import is_neon, neon_eyes, neon_gaze, wearer_of
from xgaze.data.eye_videos.recorded import EyeVideo, Recorded
from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.manifests.manifest_section import ManifestInput
from xgaze.data.manifests.video_frames import VideoFrames, open_frames
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

HOLDS = {"core": "eye0.mp4", "neon": "Neon Sensor Module v1 ps1.mp4"}


@dataclass(frozen=True, eq=False)
class EyeVideoRecording(Recording):
    """Row i is a gaze sample. videos: eye -> its frames, of which `places` says which part is the eye's."""

    spec: Spec
    table: pd.DataFrame
    videos: Mapping[str, VideoFrames]
    places: Mapping[str, tuple[int, int]]
    known: Mapping[str, NDArray[Any]]
    notes: tuple[str, ...] = ()

    def __getitem__(self, row: int) -> Sample:
        inputs, read = {}, dict[int, NDArray[np.uint8]]()
        for one in self.spec.inputs:
            video, (place, many) = self.videos[one.name], self.places[one.name]
            if id(video) not in read:  # Neon's eyes are side by side in one frame
                read[id(video)] = video.of_row(row)
            width = read[id(video)].shape[2] // many
            inputs[one.name] = np.ascontiguousarray(read[id(video)][:, :, place * width : (place + 1) * width])
        line = self.table.iloc[row]
        groups = {"group": str(line["group"]), "session": str(line["session"])}
        return Sample(str(line["id"]), groups, inputs, targets_of(self, np.array([row]))[0])

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: values[rows] for name, values in self.known.items()}


def spec_of_eye_videos(data: PupilRecordingsData) -> Spec:
    inputs = tuple(InputSpec(eye, (1, data.height, data.width), 0.0, 255.0) for eye in data.eyes)
    return Spec(inputs, "gaze", "px", (data.picture.width, data.picture.height))


def open_eye_videos(
    data: PupilRecordingsData, progress: Advance | None = None, divided: bool = True
) -> EyeVideoRecording:
    """divided: into splits; otherwise everybody is in "test". Raises InputError with all that is wrong with any recording but the
    pixels of its frames."""
    found, faults = look_into(data)
    raise_faults(data.path, faults)
    parts = [(one, joined(one, data)) for one in found]
    if not any(len(own.rows) for _, own in parts):
        raise InputError(f"{data.path}: no gaze sample is left: {', '.join(_told(parts))}.")
    table = _table(parts, data, divided)
    sure = [one.gaze.confidence[own.rows] for one, own in parts if one.gaze.confidence is not None]
    known = {"confidence": np.concatenate(sure)} if sure else {}
    videos = _videos(parts, data, progress)
    places = {name: own.place for name, own in parts[0][0].eyes.items()}
    return EyeVideoRecording(spec_of_eye_videos(data), table, videos, places, known, tuple(_told(parts)))


def _table(parts: list[tuple[Recorded, Joined]], data: PupilRecordingsData, divided: bool) -> pd.DataFrame:
    lengths = [len(own.rows) for _, own in parts]
    people, sessions = (np.repeat([of(one) for one, _ in parts], lengths) for of in (_person, _session))
    shares = data.split
    splits = assign_splits(list(people), None, shares.validation, shares.test, data.seed) if divided else "test"
    ids = [f"{one.person}/{one.session}/{row}" for one, own in parts for row in own.rows]
    px = np.concatenate([one.gaze.px[own.rows] for one, own in parts])
    table = pd.DataFrame({"id": ids, "group": people, "session": sessions, "split": splits})
    return table.assign(**dict(zip(gaze_columns("px"), px.T, strict=True)))


def _person(one: Recorded) -> str:
    return one.person


def _session(one: Recorded) -> str:
    return one.session


def look_into(data: PupilRecordingsData) -> tuple[list[Recorded], list[Fault]]:
    """All recordings below the folder that can be used, and what is wrong with the others. Raises InputError for none at all."""
    is_one = is_core if data.device == "core" else is_neon
    places = sorted({one for one in [data.path, *data.path.rglob("*")] if one.is_dir() and is_one(one)})
    if not places:
        raise InputError(f"{data.path}: no folder below it holds {HOLDS[data.device]}. Is it the right `device`?")
    found, faults = list[Recorded](), list[Fault]()
    for folder in places:
        one, own = _recorded(folder, data)
        if one is not None:
            own += nothing_joined(one, _name(folder, data), data)
            found.append(one)
        faults += own
    return found, faults


def _name(folder: Path, data: PupilRecordingsData) -> str:
    return folder.relative_to(data.path).as_posix() if folder != data.path else folder.name


def _recorded(folder: Path, data: PupilRecordingsData) -> tuple[Recorded | None, list[Fault]]:
    name = _name(folder, data)
    eyes, faults = _eyes(folder, name, data)
    try:
        gaze = core_gaze(folder, data) if data.device == "core" else neon_gaze(folder)
        wearer = wearer_of(folder) if data.participant == "wearer" else None
    except InputError as error:
        return None, [*faults, Fault("label table", str(error))]
    if faults:
        return None, faults
    first, _, rest = name.partition("/")
    return Recorded(folder, wearer or first, name if wearer else rest or "0", eyes, gaze), []


def _eyes(folder: Path, name: str, data: PupilRecordingsData) -> tuple[dict[str, EyeVideo], list[Fault]]:
    if data.device == "neon":
        return neon_eyes(folder, name, list(data.eyes))
    told = {eye: core_eye(folder, name, eye) for eye in data.eyes}
    faults = [fault for _, own in told.values() for fault in own]
    return {eye: video for eye, (video, _) in told.items() if video is not None}, faults


def _videos(
    parts: list[tuple[Recorded, Joined]], data: PupilRecordingsData, progress: Advance | None
) -> dict[str, VideoFrames]:
    """Both eyes of Neon are one video, decoded once."""
    read = ManifestInput(video="file", frame="frame", height=data.height, width=data.width, resize=True)
    videos = dict[str, VideoFrames]()
    for eye in data.eyes:
        _, many = parts[0][0].eyes[eye].place
        if many > 1 and videos:
            videos[eye] = next(iter(videos.values()))
            continue
        files, frames = list[Path](), []
        for one, own in parts:
            video, rows = one.eyes[eye], own.frames[eye]
            files += [video.files[part] for part in video.part[rows]]
            frames.append(video.number[rows])
        videos[eye] = open_frames(files, np.concatenate(frames), read, progress, many)
    return videos


def _told(parts: list[tuple[Recorded, Joined]]) -> list[str]:
    """How many samples were left out why, over all recordings."""
    counts = Counter[str]()
    for _, own in parts:
        counts.update(own.left_out)
    return [f"{many:,} gaze samples {why} are left out" for why, many in counts.items() if many]
