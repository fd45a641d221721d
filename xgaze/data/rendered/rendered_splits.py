"""The rendered recording as a data set: three splits of different participants, rendered once and memory-mapped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.rendered.person_frames import SMALLEST_SIDE_PX, STATE_SHAPES
from xgaze.data.rendered.render_cache import SplitSettings, cached_split, dismiss_workers, is_cached
from xgaze.errors import InputError

SPLITS = ("train", "validation", "test")
FIRST_NUMBER = {"test": 0, "validation": 100_000, "train": 200_000, "unlabelled": 300_000}
LEARNED = ("train", "unlabelled")
MOST_PARTICIPANTS = 100_000


@dataclass(frozen=True)
class RecordingSettings:
    """How much of the synthetic population is rendered, and how large its eye images are. train_frames_per_participant: None for
    as many as of the others."""

    height: int = 128
    width: int = 160
    train_participants: int = 300
    validation_participants: int = 60
    test_participants: int = 160
    frames_per_participant: int = 12
    seed: int = 0
    train_frames_per_participant: int | None = None

    def split(self, name: str) -> SplitSettings:
        """One split's own settings. Raises InputError for an unknown split or a count the numbering cannot hold."""
        if name not in SPLITS:
            raise InputError(f"no split {name!r}; there are {', '.join(SPLITS)}")
        count = {
            "train": self.train_participants,
            "validation": self.validation_participants,
            "test": self.test_participants,
        }[name]
        return self.numbered(name, count)

    def numbered(self, name: str, count: int) -> SplitSettings:
        """`count` participants with the numbers of `name`, a split or "unlabelled". Raises InputError as `split` does."""
        if not 1 <= count <= MOST_PARTICIPANTS:
            raise InputError(f"{name}_participants must be 1 to {MOST_PARTICIPANTS}, got {count}")
        frames = self.frames_per_participant
        if name in LEARNED and self.train_frames_per_participant is not None:
            frames = self.train_frames_per_participant
        if frames < 1:
            raise InputError(f"frames_per_participant must be at least 1, got {frames}")
        if min(self.height, self.width) < SMALLEST_SIDE_PX:
            raise InputError(f"eye images need {SMALLEST_SIDE_PX} pixels a side, got {self.height} x {self.width}")
        if self.seed < 0:
            raise InputError(f"seed must not be negative, got {self.seed}")
        return SplitSettings(FIRST_NUMBER[name], count, frames, self.height, self.width, self.seed)


@dataclass(frozen=True)
class RenderedSplit:
    """N frames. participant (N,) ids like "P200000"; frame (N,) from 0 within its participant; gaze_px (N, 2)
    float32 in the 800x600 scene image; images and regions (N, 4, H, W) uint8;
    states: float32 arrays of N rows, see `RenderedParticipant`. All memory-mapped, read only."""

    participant: NDArray[np.str_]
    frame: NDArray[np.int64]
    gaze_px: NDArray[np.float32]
    images: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    states: dict[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class RenderedRecording:
    """The three splits; no participant is in two of them. Synthetic: say so beside every number made from it."""

    settings: RecordingSettings
    train: RenderedSplit
    validation: RenderedSplit
    test: RenderedSplit

    def split(self, name: str) -> RenderedSplit:
        if name not in SPLITS:
            raise InputError(f"no split {name!r}; there are {', '.join(SPLITS)}")
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def open_recording(
    settings: RecordingSettings,
    cache_dir: Path,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RenderedRecording:
    """The recording, from cache_dir or rendered into it first, `workers` participants at a time (0: all cores
    where that pays).

    progress is called with (participants rendered, participants to render) and only if there is any to render.
    """
    wanted = {name: settings.split(name) for name in SPLITS}
    opened = _open_splits(wanted, cache_dir, workers, progress)
    recording = RenderedRecording(settings, opened["train"], opened["validation"], opened["test"])
    _refuse_shared_participants(recording)
    return recording


def open_unlabelled_people(
    settings: RecordingSettings,
    participants: int,
    cache_dir: Path,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RenderedSplit:
    """More people of the same population, who are in none of the three splits; see `open_recording`."""
    wanted = {"unlabelled": settings.numbered("unlabelled", participants)}
    return _open_splits(wanted, cache_dir, workers, progress)["unlabelled"]


def _open_splits(
    wanted: dict[str, SplitSettings],
    cache_dir: Path,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, RenderedSplit]:
    """Splits by name, rendered first where the cache does not hold them."""
    total = sum(s.participants for s in wanted.values() if not is_cached(s, cache_dir))
    done = 0

    def participant_done() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    try:
        folders = {name: cached_split(s, cache_dir, workers, participant_done) for name, s in wanted.items()}
    finally:
        if total:
            dismiss_workers()
    return {name: _open_split(folder) for name, folder in folders.items()}


def _open_split(folder: Path) -> RenderedSplit:
    """Everything mapped: the states alone are 192 bytes a frame, and trainings never read them."""
    images, regions = (_mapped(folder / f"{name}.npy") for name in ("images", "regions"))
    # Plain arrays over the mapped bytes: single frames of a memmap are costly to take.
    read = {name: np.asarray(_mapped(folder / f"{name}.npy")) for name in ("participant", "frame", "gaze_px")}
    states = {name: np.asarray(_mapped(folder / f"state-{name}.npy")) for name in STATE_SHAPES}
    return RenderedSplit(read["participant"], read["frame"], read["gaze_px"], images, regions, states)


def _mapped(file: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    return array


def _refuse_shared_participants(recording: RenderedRecording) -> None:
    ids = [set(np.unique(recording.split(name).participant).tolist()) for name in SPLITS]
    if len(set().union(*ids)) != sum(len(i) for i in ids):
        raise AssertionError("a rendered participant is in two splits: participant numbers overlap")
