"""What one recording holds: frames of eyes and gaze samples by one clock, in ns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.fault_kinds import Fault
from xgaze.errors import InputError
from xgaze.recipe.text_table import TextTable

NANOSECONDS = 10**9
PLAIN = TextTable(encoding=None, header=None)


@dataclass(frozen=True, eq=False)
class EyeVideo:
    """Frame i of an eye is frame `number[i]` of `files[part[i]]`, taken at `times_ns[i]`. place: which picture is this eye's, of
    how many side by side in a frame."""

    files: Sequence[Path]
    part: NDArray[np.int64]
    number: NDArray[np.int64]
    times_ns: NDArray[np.int64]
    place: tuple[int, int] = (0, 1)


@dataclass(frozen=True, eq=False)
class GazeSamples:
    """In the order of time. px (n, 2): origin top left. left_out: why samples are of no use, (n,) each. confidence: (n,)."""

    times_ns: NDArray[np.int64]
    px: NDArray[np.float64]
    left_out: Mapping[str, NDArray[np.bool_]]
    confidence: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Recorded:
    """One recording of a person. eyes: by "right" and "left", those that are read."""

    folder: Path
    person: str
    session: str
    eyes: Mapping[str, EyeVideo]
    gaze: GazeSamples


def in_ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Times in s, of whatever shape, in whole ns."""
    times_ns: NDArray[np.int64] = np.rint(seconds * NANOSECONDS).astype(np.int64)
    return times_ns


def joined_parts(
    files: Sequence[Path], times: Sequence[NDArray[np.int64]], place: tuple[int, int] = (0, 1)
) -> EyeVideo:
    """Of the parts of a video one after the other, each with its time stamps."""
    lengths = [len(one) for one in times]
    part = np.repeat(np.arange(len(files)), lengths)
    number = np.concatenate([np.arange(many) for many in lengths])
    return EyeVideo(files, part, number, np.concatenate(times), place)


def video_faults(name: str, video: Path, stamps: Path, times_ns: NDArray[np.int64]) -> list[Fault]:
    """Of one part: time stamps that fall back, and more of them than frames. name: of the recording."""
    faults = []
    back = np.flatnonzero(np.diff(times_ns) < 0)
    if not len(times_ns):
        faults.append(Fault("time stamps", f"{name}/{stamps.name}: holds no time."))
    if len(back):
        first, second = (times_ns[back[0] + k] / NANOSECONDS for k in (0, 1))
        often = f"falls back {len(back)} time{'s' * (len(back) != 1)}, first after frame {back[0]}"
        faults.append(Fault("time stamps", f"{name}/{stamps.name}: {often}, from {first:.3f} to {second:.3f} s."))
    try:
        frames = frames_in(video)
    except InputError as error:
        return [*faults, Fault("undecodable image", str(error))]
    if frames < len(times_ns):
        told = f"has {frames:,} frames for the {len(times_ns):,} time stamps of {stamps.name}"
        faults.append(
            Fault("time stamps", f"{name}/{video.name}: {told}: which frame is of which time cannot be known.")
        )
    return faults


def order_faults(name: str, files: Sequence[Path], times: Sequence[NDArray[np.int64]]) -> list[Fault]:
    """Parts of a video that begin before the one before them ends."""
    return [
        Fault("time stamps", f"{name}/{later.name}: begins before {earlier.name} ends.")
        for earlier, later, ended, began in zip(files, files[1:], times, times[1:], strict=False)
        if began[0] < ended[-1]
    ]


def frames_in(video: Path) -> int:
    """As the file says, or else counted without decoding. Raises InputError for what is no video."""
    from xgaze.data.manifests.video_frames import REMEDY, av_module

    av = av_module()
    try:
        with av.open(str(video)) as container:
            stream: Any = container.streams.video[0]
            return int(stream.frames) or sum(packet.size > 0 for packet in container.demux(stream))
    except (av.error.FFmpegError, OSError, IndexError, ValueError) as error:
        raise InputError(f"{video}: not readable as a video ({str(error)[:80]}). {REMEDY}") from None


def inside(times_ns: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether times (n,) lie within one of the spans (m,), of whatever order."""
    order = np.argsort(starts)
    latest = np.maximum.accumulate(ends[order]) if len(ends) else ends
    before = np.searchsorted(starts[order], times_ns, side="right") - 1
    found: NDArray[np.bool_] = (
        (before >= 0) & (times_ns <= np.take(latest, before.clip(0))) if len(ends) else before >= 0
    )
    return found
