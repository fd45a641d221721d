"""Gaze samples joined to the frames of eyes that were taken nearest to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.eye_videos.eye_videos_section import PupilRecordingsData
from xgaze.data.eye_videos.recorded import NANOSECONDS, Recorded
from xgaze.data.fault_kinds import Fault


@dataclass(frozen=True, eq=False)
class Joined:
    """rows: of a recording's gaze samples, those that are used. frames: eye -> the frame of each. left_out: how many why, in the
    order in which they were looked at."""

    rows: NDArray[np.int64]
    frames: Mapping[str, NDArray[np.int64]]
    left_out: Mapping[str, int]


def nearest(times_ns: NDArray[np.int64], at_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each of `at_ns` (n,) which of `times_ns` (m,), ascending, is nearest, the earlier of two; and how far it is, ns."""
    after = np.searchsorted(times_ns, at_ns).clip(1, max(1, len(times_ns) - 1))
    before = after - 1
    after = np.minimum(after, len(times_ns) - 1)
    found = np.where(times_ns[after] - at_ns < at_ns - times_ns[before], after, before)
    return found, np.abs(times_ns[found] - at_ns)


def joined(one: Recorded, data: PupilRecordingsData) -> Joined:
    """Frames serve one gaze sample, the first of those that they are nearest to: gaze may come more often than frames."""
    gaze, scene = one.gaze, data.picture
    pairs = {eye: nearest(video.times_ns, gaze.times_ns) for eye, video in one.eyes.items()}
    tolerance_ns = data.tolerance_ms / 1000 * NANOSECONDS
    with np.errstate(invalid="ignore"):
        outside = ~((gaze.px >= 0) & (gaze.px <= [scene.width, scene.height])).all(axis=1)
    ways = {
        **gaze.left_out,
        "outside the scene": outside,
        f"without a frame within {data.tolerance_ms:g} ms": np.any(
            [far > tolerance_ns for _, far in pairs.values()], axis=0
        ),
    }
    kept, counts = np.ones(len(gaze.times_ns), bool), dict[str, int]()
    for why, out in ways.items():
        counts[why] = int((kept & out).sum())
        kept &= ~out
    rows = np.flatnonzero(kept)
    frames = np.stack([found[rows] for found, _ in pairs.values()], axis=1)
    _, first = np.unique(frames, axis=0, return_index=True)
    counts["with the same frames as another"] = len(rows) - len(first)
    used = np.sort(first)[:: data.every]
    return Joined(rows[used], {eye: frames[used, k] for k, eye in enumerate(pairs)}, counts)


def nothing_joined(one: Recorded, name: str, data: PupilRecordingsData) -> list[Fault]:
    """A fault where gaze and frames have no time in common, with both."""
    if not len(one.gaze.times_ns):
        return [Fault("time stamps", f"{name}: its gaze table holds no sample.")]
    faults = []
    for eye, video in one.eyes.items():
        _, far = nearest(video.times_ns, one.gaze.times_ns)
        if far.min() > data.tolerance_ms / 1000 * NANOSECONDS:
            spans = [
                f"{t[0] / NANOSECONDS:.3f} to {t[-1] / NANOSECONDS:.3f} s" for t in (one.gaze.times_ns, video.times_ns)
            ]
            told = (
                f"none of the {len(far):,} gaze samples is within {data.tolerance_ms:g} ms of a frame of the {eye} eye"
            )
            faults.append(Fault("time stamps", f"{name}: {told}: gaze is of {spans[0]}, the video of {spans[1]}."))
    return faults
