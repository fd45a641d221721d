"""Frames of video files: the labelled ones are decoded once, in one pass through each file, and kept as pixels."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.manifests.manifest_section import ManifestInput
from xgaze.data.pictures.pixels import fit_picture
from xgaze.data.rendered.render_cache import default_cache_dir
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.writing import atomic_path

REMEDY = "Restore it from the original recording, or remove its rows."


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """Of one input: the kept pixels uint8 (frames, channels, height, width) of every video, and where each row's frame lies."""

    pixels: Sequence[NDArray[np.uint8]]
    video: NDArray[np.int64]
    place: NDArray[np.int64]

    def of_row(self, row: int) -> NDArray[np.uint8]:
        return np.array(self.pixels[self.video[row]][self.place[row]])


def open_frames(
    files: Sequence[Path], frames: NDArray[np.int64], one: ManifestInput, advance: Advance | None = None
) -> VideoFrames:
    """The frame (from 0) of the file that each row names. Raises InputError for files that are no videos, and for those with
    fewer frames than rows ask for."""
    names = list(dict.fromkeys(files))
    place_of = {file: k for k, file in enumerate(names)}
    video = np.array([place_of[file] for file in files])
    pixels, place = [], np.zeros(len(files), np.int64)
    for k, file in enumerate(names):
        own = video == k
        wanted, place[own] = np.unique(frames[own], return_inverse=True)
        pixels.append(kept_frames(file, wanted, one))
        if advance:
            advance(k + 1, len(names))
    return VideoFrames(pixels, video, place)


def kept_frames(file: Path, wanted: NDArray[np.int64], one: ManifestInput) -> NDArray[np.uint8]:
    """Pixels of these frames, ascending, memory-mapped; decoded where no whole file of them is kept."""
    kept = _kept_as(file, wanted, one)
    try:
        found: NDArray[np.uint8] = np.load(kept, mmap_mode="r", allow_pickle=False)
        if found.shape == (len(wanted), one.channels, one.height, one.width):
            return found
    except Exception:  # none there, or a damaged one; what that raises is of a dozen types
        kept.unlink(missing_ok=True)
    with atomic_path(kept) as temporary:
        np.save(temporary, _decoded(file, wanted, one))
    again: NDArray[np.uint8] = np.load(kept, mmap_mode="r", allow_pickle=False)
    return again


def _kept_as(file: Path, wanted: NDArray[np.int64], one: ManifestInput) -> Path:
    """By all that the pixels depend on."""
    about = file.stat()
    told = [str(file.resolve()), about.st_size, about.st_mtime_ns, wanted.tolist(), one.channels, one.height, one.width]
    told += [one.resize, one.colour]
    return default_cache_dir() / f"video-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}.npy"


def _decoded(file: Path, wanted: NDArray[np.int64], one: ManifestInput) -> NDArray[np.uint8]:
    assert one.height is not None and one.width is not None
    pixels = np.zeros((len(wanted), one.channels, one.height, one.width), np.uint8)
    place, last = {int(number): k for k, number in enumerate(wanted)}, -1
    for last, picture in _pictures(file, one, place):
        if last in place:
            _require_size(file, picture, one)
            own = fit_picture(picture, one.height, one.width, one.channels)
            pixels[place[last]] = own[::-1] if one.colour == "bgr" else own
    if missing := [number for number in place if number > last]:
        raise InputError(
            f"{file}: has {last + 1:,} frames, but {len(missing)} of its rows name later ones (frame {missing[0]:,}, counted "
            "from 0). Is this the right video, and does its table count from 0?"
        )
    return pixels


def _pictures(file: Path, one: ManifestInput, wanted: Mapping[int, int]) -> Iterator[tuple[int, Image.Image]]:
    """Every frame's number, with its picture where it is wanted. Raises InputError for what is no video."""
    av = av_module()
    nothing = Image.new("L", (1, 1))
    try:
        with av.open(str(file)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                shown = number in wanted
                yield number, frame.to_image().convert("L" if one.channels == 1 else "RGB") if shown else nothing
                if number >= max(wanted):
                    return
    except (av.error.FFmpegError, OSError, IndexError, ValueError) as error:
        raise InputError(f"{file}: not readable as a video ({str(error)[:80]}). {REMEDY}") from None


def _require_size(file: Path, picture: Image.Image, one: ManifestInput) -> None:
    if picture.size != (one.width, one.height) and not one.resize:
        found = f"{picture.width}x{picture.height} px, expected {one.width}x{one.height} px (width x height)"
        raise InputError(f"{file}: its frames are {found}; state it as height and width, or set resize: true.")


def av_module() -> Any:
    """Raises InputError that says what to install."""
    try:
        import av
        import av.error
    except ImportError:
        raise InputError("reading videos needs PyAV: pip install 'xgaze[video]'.") from None
    return av
