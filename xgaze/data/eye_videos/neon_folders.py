"""Native folders of Neon: one video of both eyes side by side, the left eye's picture on the left, with its time stamps in ns;
gaze in px of the scene camera, as Pupil Cloud or the device has it."""

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.data.eye_videos.recorded import PLAIN, EyeVideo, GazeSamples, joined_parts, order_faults, video_faults
from xgaze.data.fault_kinds import Fault
from xgaze.data.tables.cells import read_numbers
from xgaze.data.tables.missing import as_text, is_missing
from xgaze.data.tables.reader import read_table, require_columns
from xgaze.errors import InputError

PLACES = {"left": (0, 2), "right": (1, 2)}
VIDEO = re.compile(r"Neon Sensor Module v\d+ ps(\d+)\.mp4")
TABLE, X, Y, TIME, WORN, BLINK = "gaze.csv", "gaze x [px]", "gaze y [px]", "timestamp [ns]", "worn", "blink id"
STAMPS, POINTS = np.dtype("<i8"), np.dtype("<f4")


def is_neon(folder: Path) -> bool:
    return any(VIDEO.fullmatch(one.name) for one in folder.iterdir())


def neon_eyes(folder: Path, name: str, eyes: list[str]) -> tuple[dict[str, EyeVideo], list[Fault]]:
    """Of the same video, in parts where it was interrupted, with what is wrong with it."""
    files = sorted((one for one in folder.iterdir() if VIDEO.fullmatch(one.name)), key=_part)
    times, faults = [], []
    for file in files:
        stamps = file.with_suffix(".time")
        try:
            times.append(_numbers(stamps, STAMPS).astype(np.int64))
            faults += video_faults(name, file, stamps, times[-1])
        except InputError as error:
            faults.append(Fault("time stamps", str(error)))
    faults = faults or order_faults(name, files, times)
    return ({}, faults) if faults else ({eye: joined_parts(files, times, PLACES[eye]) for eye in eyes}, [])


def _part(file: Path) -> int:
    return int(file.stem.rpartition("ps")[2])


def _numbers(file: Path, dtype: "np.dtype[np.generic]") -> "NDArray[np.generic]":
    """Raises InputError where they are missing or cut short."""
    try:
        content = file.read_bytes()
    except OSError:
        raise InputError(f"{file}: no such file. Copy the whole folder again.") from None
    if not content or len(content) % dtype.itemsize:
        raise InputError(f"{file}: {len(content):,} bytes are no list of {dtype.itemsize}-byte numbers. Copy it again.")
    return np.frombuffer(content, dtype)


def neon_gaze(folder: Path) -> GazeSamples:
    """Of Pupil Cloud or an export beside the video, else what the device told. Raises InputError where there is neither."""
    tables = [folder / TABLE, *sorted(folder.glob(f"*/{TABLE}"))]
    table = next((one for one in tables if one.is_file()), None)
    return _of_device(folder) if table is None else _of_table(table)


def _of_table(table: Path) -> GazeSamples:
    needed = [TIME, X, Y]
    cells = read_table(table, PLAIN, needed=needed)
    require_columns(cells, needed, str(table))
    times, across, down = read_numbers(cells[needed], ".").T
    unknown = ~np.isfinite([times, across, down]).all(axis=0)
    worn = (
        read_numbers(cells[[WORN]].replace({"True": "1", "False": "0"}), ".")[:, 0] if WORN in cells else times * 0 + 1
    )
    blink = ~is_missing(as_text(cells[BLINK])).to_numpy() if BLINK in cells else np.zeros(len(cells), bool)
    order = np.argsort(times, kind="stable")
    left_out = {"without a number": unknown, "while it was not worn": worn == 0, "in blinks": blink}
    times_ns = np.rint(np.nan_to_num(times)).astype(np.int64)
    px = np.stack([across, down], axis=1)
    return GazeSamples(times_ns[order], px[order], {why: out[order] for why, out in left_out.items()})


def _of_device(folder: Path) -> GazeSamples:
    """gaze_200hz.raw where it is, else the parts that were computed on the way, `gaze ps1.raw` and so on."""
    whole = folder / "gaze_200hz.raw"
    files = [whole] if whole.is_file() else sorted(folder.glob("gaze ps*.raw"), key=_part)
    if not files:
        raise InputError(f"{folder}: holds neither {TABLE} nor `gaze ps1.raw`. Download the recording's gaze too.")
    parts, faults = [], dict[str, list[NDArray[np.bool_]]]({"while it was not worn": []})
    for file in files:
        times = _numbers(file.with_suffix(".time"), STAMPS).astype(np.int64)
        points = _numbers(file, POINTS).astype(np.float64)
        if len(points) != 2 * len(times):
            raise InputError(f"{file}: {len(points) / 2:g} gaze points for {len(times):,} time stamps. Copy it again.")
        parts.append((times, points.reshape(-1, 2)))
        worn = file.with_name(file.name.replace("gaze", "worn"))
        known = np.frombuffer(worn.read_bytes(), np.uint8) if worn.is_file() else np.ones(len(times), np.uint8)
        if len(known) != len(times):
            raise InputError(f"{worn}: {len(known):,} numbers for {len(times):,} time stamps. Copy it again.")
        faults["while it was not worn"].append(known == 0)
    times_ns, px = np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])
    order = np.argsort(times_ns, kind="stable")
    left_out = {why: np.concatenate(out)[order] for why, out in faults.items()}
    return GazeSamples(
        times_ns[order], px[order], {"without a number": ~np.isfinite(px[order]).all(axis=1), **left_out}
    )


def wearer_of(folder: Path) -> str:
    """Name of who wore it. Raises InputError where info.json does not say."""
    file = folder / "info.json"
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        named = [str(stored[key]).strip() for key in ("wearer_name", "wearer_id") if stored.get(key)]
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        named = []
    if not named:
        raise InputError(
            f"{file}: names no wearer; put the recordings into a folder per person, and leave `participant` out."
        )
    return named[0]
