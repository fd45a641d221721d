"""Rendered splits on disk: memory-mapped .npy files in a folder that exists only once it is complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray

from xgaze.data.rendered.person_frames import STATE_SHAPES, render_participant
from xgaze.errors import InputError
from xgaze.limits import require_memory
from xgaze.processes import end_with
from xgaze.writing import scratch_folder, sync, sync_folder, take_room

RENDERER_VERSION = 4  # raise it whenever a pixel or a state changes
CACHE_REMEDY = "Set XGAZE_CACHE to a folder that you may write."
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
    """$XGAZE_CACHE, or ~/.cache/xgaze. Raises InputError where that is no folder, or nobody knows what ~ is."""
    told = os.environ.get("XGAZE_CACHE")
    try:
        folder = Path(told or "~/.cache/xgaze").expanduser()
    except RuntimeError:
        raise InputError(f"{told or '~'}: this user has no home folder. {CACHE_REMEDY}") from None
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file, but rendered frames are kept in a folder. {CACHE_REMEDY}")
    return folder


def participant_id(number: int) -> str:
    return f"P{number:06d}"


def cached_split(settings: SplitSettings, cache_dir: Path, workers: int, participant_done: Callable[[], None]) -> Path:
    """The folder of a finished split; rendered first if it is not there yet.

    It is written beside its place and moved there whole, so neither a killed nor a second, simultaneous rendering
    can leave a folder that only looks finished.
    """
    folder = cache_dir / settings.folder_name()
    if is_cached(settings, cache_dir):
        return folder
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _need_space(settings, cache_dir)
        with scratch_folder(cache_dir, folder.name) as scratch:
            partial = scratch / folder.name
            partial.mkdir()
            _create_arrays(settings, partial)
            _render_all(settings, partial, workers, participant_done)
            (partial / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
            sync(partial)
            _move_into_place(settings, partial, cache_dir)
    except OSError as error:
        word = f"{error.filename or cache_dir}: {error.strerror or error}"
        raise InputError(f"rendered frames cannot be kept ({word}). {CACHE_REMEDY}") from None
    return folder


def dismiss_workers() -> None:
    """End the worker processes, which idle would keep their memory while models train."""
    get_reusable_executor().shutdown(wait=False)


def is_cached(settings: SplitSettings, cache_dir: Path) -> bool:
    """Whether the split lies there whole: every array with the shape and as many bytes as it should have."""
    folder = cache_dir / settings.folder_name()
    shapes = {name: shape for name, (shape, _) in array_shapes(settings).items()}
    shapes |= dict.fromkeys(("participant", "frame"), (settings.frames,))
    try:
        return all(_mapped(folder / f"{name}.npy").shape == shape for name, shape in shapes.items())
    except (OSError, ValueError, EOFError):  # missing, cut short, or empty
        return False


def _mapped(file: Path) -> NDArray[np.generic]:
    array: NDArray[np.generic] = np.load(file, mmap_mode="r", allow_pickle=False)
    return array


def array_shapes(settings: SplitSettings) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype of each rendered array of a split."""
    images = (settings.frames, 4, settings.height, settings.width)
    shapes: dict[str, tuple[tuple[int, ...], str]] = {"images": (images, "uint8"), "regions": (images, "uint8")}
    shapes["gaze_px"] = ((settings.frames, 2), "float32")
    return shapes | {f"state-{name}": ((settings.frames, *rest), "float32") for name, rest in STATE_SHAPES.items()}


def _create_arrays(settings: SplitSettings, folder: Path) -> None:
    for name, (shape, dtype) in array_shapes(settings).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.dtype(dtype), shape=shape)
        take_room(folder / f"{name}.npy")
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
    parent = os.getpid()
    for _ in parallel(joblib.delayed(_render_for)(parent, settings, folder, p) for p in range(settings.participants)):
        participant_done()


def _workers(settings: SplitSettings, asked: int) -> int:
    """As many as asked for; if left open, all cores, or none beside this process where starting them costs more."""
    if asked > 0:
        return asked
    pixels = settings.frames * 4 * settings.height * settings.width
    return joblib.cpu_count() if pixels > PIXELS_WORTH_WORKERS else 1


def _render_for(parent: int, settings: SplitSettings, folder: Path, place: int) -> None:
    """In a worker, which ends with its parent."""
    end_with(parent)
    _render_into(settings, folder, place)


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


def _move_into_place(settings: SplitSettings, partial: Path, cache_dir: Path) -> None:
    """Where no other process finished the same split first. One that is damaged makes room."""
    if is_cached(settings, cache_dir):
        return
    shutil.rmtree(cache_dir / settings.folder_name(), ignore_errors=True)
    try:
        partial.replace(cache_dir / settings.folder_name())
    except OSError:
        if not is_cached(settings, cache_dir):
            raise
    sync_folder(cache_dir)


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
