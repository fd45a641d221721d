"""Rendered splits on disk: memory-mapped .npy files in a folder that exists only once it is complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import joblib
import numpy as np
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray

from xgaze.data.rendered.render import STATE_SHAPES, render_participant
from xgaze.errors import InputError
from xgaze.limits import require_memory

RENDERER_VERSION = 3  # raise it whenever a pixel or a state changes
ABANDONED_AFTER_S = 24 * 3600.0
PIXELS_WORTH_WORKERS = 40_000_000  # about three seconds on one core, what starting workers takes


@dataclass(frozen=True)
class SplitSettings:
    """All a split depends on: changing another split never changes this one's folder."""

    first_number: int
    participants: int
    frames_per_participant: int
    height: int
    width: int
    seed: int

    @property
    def frames(self) -> int:
        return self.participants * self.frames_per_participant

    def folder_name(self) -> str:
        described = json.dumps([RENDERER_VERSION, asdict(self)], sort_keys=True)
        return f"rendered-{hashlib.sha256(described.encode()).hexdigest()[:16]}"


def default_cache_dir() -> Path:
    """$XGAZE_CACHE, or ~/.cache/xgaze."""
    return Path(os.environ.get("XGAZE_CACHE") or Path.home() / ".cache" / "xgaze")


def participant_id(number: int) -> str:
    return f"P{number:06d}"


def cached_split(settings: SplitSettings, cache_dir: Path, workers: int, participant_done: Callable[[], None]) -> Path:
    """The folder of a finished split; rendered first if it is not there yet.

    It is written beside its place and moved there whole, so neither a killed nor a second, simultaneous rendering
    can leave a folder that only looks finished.
    """
    folder = cache_dir / settings.folder_name()
    if folder.is_dir():
        return folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(cache_dir)
    _need_space(settings, cache_dir)
    partial = cache_dir / f".partial-{folder.name}-{uuid4().hex}"
    partial.mkdir()
    try:
        _create_arrays(settings, partial)
        _render_all(settings, partial, workers, participant_done)
        (partial / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
        _move_into_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def dismiss_workers() -> None:
    """End the worker processes, which idle would keep their memory while models train."""
    get_reusable_executor().shutdown(wait=False)


def is_cached(settings: SplitSettings, cache_dir: Path) -> bool:
    return (cache_dir / settings.folder_name()).is_dir()


def array_shapes(settings: SplitSettings) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype of each rendered array of a split."""
    images = (settings.frames, 4, settings.height, settings.width)
    shapes: dict[str, tuple[tuple[int, ...], str]] = {"images": (images, "uint8"), "regions": (images, "uint8")}
    shapes["gaze_px"] = ((settings.frames, 2), "float32")
    return shapes | {f"state-{name}": ((settings.frames, *rest), "float32") for name, rest in STATE_SHAPES.items()}


def _create_arrays(settings: SplitSettings, folder: Path) -> None:
    for name, (shape, dtype) in array_shapes(settings).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.dtype(dtype), shape=shape)
    numbers = range(settings.first_number, settings.first_number + settings.participants)
    each = settings.frames_per_participant
    np.save(folder / "participant.npy", np.repeat(np.array([participant_id(n) for n in numbers]), each))
    np.save(folder / "frame.npy", np.tile(np.arange(each, dtype=np.int64), settings.participants))


def _render_all(settings: SplitSettings, folder: Path, workers: int, participant_done: Callable[[], None]) -> None:
    jobs = min(_workers(settings, workers), settings.participants)
    if jobs == 1:
        for place in range(settings.participants):
            _render_into(settings, folder, place)
            participant_done()
        return
    parallel = joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered")
    for _ in parallel(joblib.delayed(_render_into)(settings, folder, p) for p in range(settings.participants)):
        participant_done()


def _workers(settings: SplitSettings, asked: int) -> int:
    """As many as asked for; if left open, all cores, or none beside this process where starting them costs more."""
    if asked > 0:
        return asked
    pixels = settings.frames * 4 * settings.height * settings.width
    return joblib.cpu_count() if pixels > PIXELS_WORTH_WORKERS else 1


def _render_into(settings: SplitSettings, folder: Path, place: int) -> None:
    """Render the split's participant at `place` into its rows of the arrays in folder."""
    each = settings.frames_per_participant
    number = settings.first_number + place
    rendered = render_participant(number, each, settings.height, settings.width, settings.seed)
    arrays: dict[str, NDArray[np.generic]] = {
        "images": rendered.images,
        "regions": rendered.regions,
        "gaze_px": rendered.gaze_px,
    }
    arrays |= {f"state-{name}": values for name, values in rendered.states.items()}
    for name, values in arrays.items():
        on_disk = np.load(folder / f"{name}.npy", mmap_mode="r+", allow_pickle=False)
        on_disk[place * each : (place + 1) * each] = values
        on_disk.flush()


def _move_into_place(partial: Path, folder: Path) -> None:
    try:
        partial.replace(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process finished the same split first
            raise


def _need_space(settings: SplitSettings, cache_dir: Path) -> None:
    """Refuse before rendering what would not fit: a full disk kills a process that writes to mapped memory."""
    pixels = settings.frames_per_participant * 4 * settings.height * settings.width
    require_memory(
        2.0 * pixels + 200.0 * settings.height * settings.width,
        f"Rendering a participant's {settings.frames_per_participant:,} frames of {settings.width:,} x {settings.height:,} px",
        "Ask for fewer frames or smaller images.",
    )
    needed = sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in array_shapes(settings).values())
    free = shutil.disk_usage(cache_dir).free
    if needed > free:
        raise InputError(
            f"{cache_dir}: rendering needs {needed / 1e9:.1f} GB but {free / 1e9:.1f} GB are free. "
            "Free some space, set XGAZE_CACHE to another folder, or ask for fewer participants or smaller images."
        )


def _remove_abandoned(cache_dir: Path) -> None:
    """Remove what renderings killed more than a day ago have left."""
    for partial in cache_dir.glob(".partial-rendered-*"):
        try:
            if time.time() - partial.stat().st_mtime > ABANDONED_AFTER_S:
                shutil.rmtree(partial, ignore_errors=True)
        except FileNotFoundError:
            continue
