"""The label table of one session folder: gaze points by frame, and what is wrong with them."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.eyes.eye_section import GazeLabels, Scene
from xgaze.data.fault_kinds import Fault, listed
from xgaze.data.tables.cells import missing_numbers
from xgaze.data.tables.decimals import decimal_sign, parsed_numbers
from xgaze.data.tables.reader import read_table, require_columns
from xgaze.errors import InputError

Gaze = tuple[float, float]
UNKNOWN: Gaze = (math.nan, math.nan)


def read_gaze(
    path: Path, name: str, rows: str, labels: GazeLabels, scene: Scene
) -> tuple[dict[str, Gaze], list[Fault]]:
    """Frame key -> gaze in px, with all faults of the table itself.

    name: how messages call the file. rows: what stands before "row 9" in messages, "" or "<file> ".
    """
    try:
        columns = [labels.x, labels.y] + ([labels.frame] if labels.frame else [])
        # Blank lines stay rows: skipping one would shift every later label by a frame.
        table = read_table(path, labels, name=name, needed=columns, blank_lines=True)
        require_columns(table, columns, name)
        sign = decimal_sign({column: table[column] for column in (labels.x, labels.y)}, labels.decimal, name)
    except InputError as error:
        return {}, [Fault("label table", str(error))]
    gaze = np.stack([parsed_numbers(table[column], sign) for column in (labels.x, labels.y)], axis=1)
    keys = _frame_keys(table, labels)
    faults = [Fault("missing label", told) for told in missing_numbers(table[[labels.x, labels.y]], gaze, rows)]
    faults += _outside(gaze, scene, rows) + _repeated(keys, rows)
    return dict(zip(keys, map(_point, gaze), strict=True)), faults


def frame_key(frame: str) -> str:
    """What frames are compared by: "17", "017" and "17.0" are the same frame; other names must be equal."""
    whole = frame.removesuffix(".0")
    return str(int(whole)) if whole.isdecimal() else frame


def mismatches(frames: list[str], gaze: dict[str, Gaze], session: str, labels: GazeLabels) -> list[Fault]:
    """A fault when frames lack rows or rows lack frames: frames are file names, `gaze` is keyed by `frame_key`."""
    without_row = [frame for frame in frames if frame_key(frame) not in gaze]
    known = {frame_key(frame) for frame in frames}
    without_frame = [key for key in gaze if key not in known]
    if not without_row and not without_frame:
        return []
    message = f"{session}: {len(frames)} frames, but {len(gaze)} rows in {labels.file}"
    if without_row:
        message += f"; frames without a row: {listed(without_row)}"
    if without_frame:
        message += f"; rows without a frame: {listed(without_frame)}"
    return [Fault("rows against frames", message + ".")]


def shared_labels(frames: list[str], session: str) -> list[Fault]:
    """Frames that differ only in leading zeros: a label row would belong to each of them."""
    names: dict[str, list[str]] = {}
    for frame in frames:
        names.setdefault(frame_key(frame), []).append(frame)
    return [
        Fault(
            "rows against frames",
            f"{session}: frames {' and '.join(same)} are {'both' if len(same) == 2 else 'all'} frame {key}, "
            "and would share one label.",
        )
        for key, same in names.items()
        if len(same) > 1
    ]


def _point(xy: NDArray[np.float64]) -> Gaze:
    return (float(xy[0]), float(xy[1])) if np.isfinite(xy).all() else UNKNOWN


def _frame_keys(table: pd.DataFrame, labels: GazeLabels) -> list[str]:
    if labels.frame:
        return [frame_key(frame) for frame in table[labels.frame]]
    return [str(row) for row in range(1, len(table) + 1)]


def _outside(gaze: NDArray[np.float64], scene: Scene, rows: str) -> list[Fault]:
    """The far edge counts as inside: a scene 960 px wide ends at x = 960. NaN compares as inside here."""
    size = np.array([scene.width, scene.height])
    outside = np.flatnonzero(((gaze < 0) | (gaze > size)).any(axis=1) & np.isfinite(gaze).all(axis=1))
    return [
        Fault(
            "label outside the scene",
            f"{rows}row {row + 1}: gaze ({gaze[row, 0]:g}, {gaze[row, 1]:g}) px lies outside the scene "
            f"{scene.width}x{scene.height}; {len(outside)} of {len(gaze)} rows. "
            "If most rows fail, check unit and scene.",
        )
        for row in outside
    ]


def _repeated(keys: list[str], rows: str) -> list[Fault]:
    first: dict[str, int] = {}
    faults = []
    for row, key in enumerate(keys, start=1):
        if first.setdefault(key, row) != row:
            faults.append(
                Fault("rows against frames", f"{rows}row {row}: frame {key} has a label in row {first[key]}.")
            )
    return faults
