"""Folders of Pupil Core: eye0 is the right eye and eye1 the left one, each with its time stamps in s; gaze as Pupil Player
exports it, in shares of the scene camera's picture, y upwards."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.eye_videos.eye_videos_section import PupilRecordingsData
from xgaze.data.eye_videos.recorded import (
    PLAIN,
    EyeVideo,
    GazeSamples,
    in_ns,
    inside,
    joined_parts,
    order_faults,
    video_faults,
)
from xgaze.data.fault_kinds import Fault
from xgaze.data.tables.cells import read_numbers
from xgaze.data.tables.reader import read_table, require_columns
from xgaze.errors import InputError

EYES = {"right": "eye0", "left": "eye1"}
VIDEO = re.compile(r"eye[01]\.(mp4|mkv|avi|h264|mjpeg)")
TABLE, BLINKS = "gaze_positions.csv", "blinks.csv"
COLUMNS = ["gaze_timestamp", "confidence", "norm_pos_x", "norm_pos_y"]
SPANS = ["start_timestamp", "end_timestamp"]


def is_core(folder: Path) -> bool:
    return any(VIDEO.fullmatch(one.name) for one in folder.iterdir())


def core_eye(folder: Path, name: str, eye: str) -> tuple[EyeVideo | None, list[Fault]]:
    """The video of an eye, in parts where it is long (eye0.mp4, eye0_001.mp4), with what is wrong with it."""
    pattern = re.compile(rf"{EYES[eye]}(_\d+)?\.(mp4|mkv|avi|h264|mjpeg)")
    files = sorted((one for one in folder.iterdir() if pattern.fullmatch(one.name)), key=lambda one: one.stem)
    if not files:
        told = f"{name}: holds no video of the {eye} eye ({EYES[eye]}.mp4); leave it out of `eyes`, or leave this recording out."
        return None, [Fault("missing view", told)]
    times, faults = [], []
    for file in files:
        stamps = file.with_name(f"{file.stem}_timestamps.npy")
        try:
            times.append(_stamps(stamps))
            faults += video_faults(name, file, stamps, times[-1])
        except InputError as error:
            faults.append(Fault("time stamps", str(error)))
    faults = faults or order_faults(name, files, times)
    return (None, faults) if faults else (joined_parts(files, times), [])


def _stamps(file: Path) -> NDArray[np.int64]:
    """s as they are stored -> ns. Raises InputError."""
    try:
        found: Any = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file, though there is the video.") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: not readable as time stamps ({str(error)[:60]}).") from None
    if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise InputError(f"{file}: holds no list of times in s.")
    return in_ns(found)


def core_gaze(folder: Path, data: PupilRecordingsData) -> GazeSamples:
    """Of the latest export. Raises InputError where there is none."""
    tables = [*sorted(folder.glob(f"exports/*/{TABLE}"), reverse=True), folder / TABLE]
    table = next((one for one in tables if one.is_file()), None)
    if table is None:
        raise InputError(f"{folder}: holds no exports/000/{TABLE}: export it in Pupil Player (Raw Data Exporter).")
    cells = read_table(table, PLAIN, needed=COLUMNS)
    require_columns(cells, COLUMNS, str(table))
    numbers = read_numbers(cells[COLUMNS], ".")
    times, confidence, across, up = numbers[np.argsort(numbers[:, 0], kind="stable")].T
    unknown = ~np.isfinite([times, confidence, across, up]).all(axis=0)
    times_ns = in_ns(np.nan_to_num(times))
    px = np.stack([across * data.picture.width, (1 - up) * data.picture.height], axis=1)
    left_out = {
        "without a number": unknown,
        f"of a confidence below {data.confidence:g}": confidence < data.confidence,
        "in blinks": _in_blinks(table.with_name(BLINKS), times_ns),
    }
    return GazeSamples(times_ns, px, left_out, confidence)


def _in_blinks(table: Path, times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """By the export's own table, where the blink detector ran."""
    if not table.is_file():
        return np.zeros(len(times_ns), bool)
    cells: pd.DataFrame = read_table(table, PLAIN, needed=SPANS)
    require_columns(cells, SPANS, str(table))
    spans = read_numbers(cells[SPANS], ".")
    starts, ends = in_ns(spans[np.isfinite(spans).all(axis=1)]).T
    return inside(times_ns, starts, ends)
