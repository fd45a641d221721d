"""A manifest as a `Recording`. Pictures are decoded one sample at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.checks.opened import table_faults_of
from xgaze.data.contract import Recording, Sample, Spec, targets_of, with_spreads
from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.manifests.manifest_scan import ManifestScan, scan_manifest
from xgaze.data.manifests.manifest_section import ManifestData, ManifestInput
from xgaze.data.manifests.video_frames import VideoFrames, open_frames
from xgaze.data.mirror_pairs import partners_by_name
from xgaze.data.pictures.decoding import Decoded, PictureError, decode
from xgaze.data.pictures.pixels import fit_picture
from xgaze.geometry.viewing import viewed
from xgaze.progress import Advance

ONLY_CHECKED = ("too few", "class missing from a split", "wrong unit")
"""Kinds of fault that a recording may be opened with, as one to be divided anew; what is likely is no reason to refuse."""


@dataclass(frozen=True, eq=False)
class ManifestRecording(Recording):
    """Row i is row i of the manifest."""

    spec: Spec
    table: pd.DataFrame
    data: ManifestData
    found: ManifestScan
    videos: Mapping[str, VideoFrames] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.found.notes

    @cached_property
    def targets(self) -> NDArray[Any]:
        """Of all rows."""
        return targets_of(self)

    @property
    def partners(self) -> tuple[int, ...] | None:
        return partners_by_name(self.spec.inputs, self.data.mirror_images)

    def __getitem__(self, row: int) -> Sample:
        """Decode the pictures of a row. Raises InputError naming the file that cannot be used."""
        inputs = {name: self._input(name, one, row) for name, one in self.data.inputs.items()}
        groups = {name: str(self.table[name].iat[row]) for name in ("group", "session")}
        lacking = frozenset(name for name, missing in self.found.missing.items() if missing[row])
        return Sample(str(self.table["id"].iat[row]), groups, inputs, np.asarray(self.targets[row]), missing=lacking)

    def _input(self, name: str, one: ManifestInput, row: int) -> NDArray[Any]:
        if name in self.found.missing and self.found.missing[name][row]:
            return one.spec(name).absent
        if name in self.videos:
            return self.videos[name].of_row(row)
        if one.columns is not None:
            own: NDArray[np.float32] = self.found.vectors[name][row]
            return own
        return read_input(self.path_of(name, row), one)

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: values[rows] for name, values in self.found.conditions.items()}

    def missing(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        return {name: lacking[rows] for name, lacking in self.found.missing.items()}

    def path_of(self, name: str, row: int) -> Path:
        """Where a row's picture of an input lies."""
        return self.data.path.parent / self.found.files[name][row]


def open_manifest(data: ManifestData, progress: Advance | None = None) -> ManifestRecording:
    """Raises InputError with every fault that shows without decoding pictures. Videos are decoded, once."""
    recording, faults = look_into(data)
    raise_faults(data.path, [one for one in faults if one.kind not in ONLY_CHECKED])
    return with_videos(recording, progress)


def with_videos(recording: ManifestRecording, progress: Advance | None = None) -> ManifestRecording:
    """The same with the frames of its videos at hand. Raises InputError."""
    data, found = recording.data, recording.found
    if not found.frames:
        return recording
    where = data.path.parent
    videos = {
        name: open_frames([where / file for file in found.files[name]], frames, data.inputs[name], progress)
        for name, frames in found.frames.items()
    }
    return replace(recording, videos=videos)


def look_into(data: ManifestData) -> tuple[ManifestRecording, list[Fault]]:
    """The recording as far as it can be read, and all that is wrong with its table. Raises InputError for what is no table."""
    found = scan_manifest(data)
    recording = recording_of(data, found)
    # What is missing was told with its row and column.
    return recording, [*found.faults, *(one for one in table_faults_of(recording) if one.kind != "missing label")]


def open_manifest_for_prediction(data: ManifestData, spec: Spec) -> ManifestRecording:
    """The samples of a manifest whose target, people and splits may be missing; all of them are in split "test"."""
    found = scan_manifest(data, for_prediction=True, classes=spec.classes)
    raise_faults(data.path, found.faults)
    return with_videos(recording_of(data, found))


def recording_of(data: ManifestData, found: ManifestScan) -> ManifestRecording:
    """A recording of what a scan found."""
    return ManifestRecording(with_spreads(spec_of(data, found.classes), found.table), found.table, data, found)


def spec_of(data: ManifestData, classes: tuple[str, ...] = ()) -> Spec:
    """What a model of this recording reads and predicts."""
    inputs = tuple(one.spec(name) for name, one in data.inputs.items())
    scene = (data.scene.width, data.scene.height) if data.scene else None
    beside = tuple(one.spec(name) for name, one in data.targets_beside.items())
    kind, unit, seen = data.target.kind, data.target.measured, data.viewing
    viewing = None if seen is None else viewed(unit, seen.of_all_mm, seen.mm_per_px, seen.ahead, scene)
    return Spec(inputs, kind, unit, scene, classes, truth=data.truth, beside=beside, viewing=viewing)


def read_input(path: Path, one: ManifestInput) -> NDArray[np.uint8]:
    """uint8 (channels, height, width) of a picture. Raises PictureError, also for another size."""
    return fitted(decode(path), path, one)


def fitted(decoded: Decoded, path: Path, one: ManifestInput) -> NDArray[np.uint8]:
    """A decoded picture as the network reads it, but for mean and std."""
    assert one.height is not None and one.width is not None
    picture = decoded.picture
    if picture.size != (one.width, one.height) and not one.resize:
        found = f"is {picture.width}x{picture.height} px, expected {one.width}x{one.height} px (width x height)"
        raise PictureError(path, "wrong image size", f"{found}; state it as height and width, or set resize: true")
    pixels = fit_picture(picture, one.height, one.width, one.channels)
    return np.ascontiguousarray(pixels[::-1]) if one.colour == "bgr" else pixels
