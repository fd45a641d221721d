"""Frames of video files: the labelled ones are decoded once, in one pass through each file, and kept as pixels."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
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
from xgaze.writing import atomic_path, take_room

VERSION = 1
"""Of how pixels are made of frames: kept ones of another are made again."""
REMEDY = "Restore it from the original recording, or remove its rows."


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """Of one input: the files of kept pixels uint8 (frames, channels, height, width), one a video, and where each row's frame
    lies, -1 of rows that have none."""

    kept: Sequence[Path]
    video: NDArray[np.int64]
    place: NDArray[np.int64]

    def of_row(self, row: int) -> NDArray[np.uint8]:
        """Mapped for this frame alone: of thousands of videos, open ones would be too many."""
        file = self.kept[self.video[row]]
        try:
            return np.array(np.load(file, mmap_mode="r", allow_pickle=False)[self.place[row]])
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: kept frames are gone ({str(error)[:60]}). Open the recording again.") from None


def open_frames(
    files: Sequence[Path],
    frames: NDArray[np.int64],
    one: ManifestInput,
    advance: Advance | None = None,
    abreast: int = 1,
) -> VideoFrames:
    """The frame (from 0; -1: none) of the file that each row names. abreast: pictures side by side in each frame, each of which
    is read as `one` says; they are kept side by side. Raises InputError for files that are no videos, and for those with fewer
    frames than rows ask for."""
    names = list(dict.fromkeys(file for file, frame in zip(files, frames, strict=True) if frame >= 0))
    place_of = {file: k for k, file in enumerate(names)}
    video = np.array(
        [place_of[file] if frame >= 0 else -1 for file, frame in zip(files, frames, strict=True)], np.int64
    )
    kept, place = [], np.zeros(len(files), np.int64)
    for k, file in enumerate(names):
        own = video == k
        wanted, place[own] = np.unique(frames[own], return_inverse=True)
        kept.append(kept_frames(file, wanted, one, abreast))
        if advance:
            advance(k + 1, len(names))
    return VideoFrames(kept, video, place)


def kept_frames(file: Path, wanted: NDArray[np.int64], one: ManifestInput, abreast: int = 1) -> Path:
    """Where the pixels of these frames, ascending, lie; decoded where no whole file of them is kept."""
    kept = _kept_as(file, wanted, one, abreast)
    try:
        if np.load(kept, mmap_mode="r", allow_pickle=False).shape == _shape(wanted, one, abreast):
            return kept
    except (FileNotFoundError, ValueError, EOFError):  # none there, or a damaged one
        pass
    with atomic_path(kept) as temporary:
        _decode(file, wanted, one, temporary, abreast)
    return kept


def _shape(wanted: NDArray[np.int64], one: ManifestInput, abreast: int) -> tuple[int, int, int, int]:
    assert one.height is not None and one.width is not None
    return len(wanted), one.channels, one.height, one.width * abreast


def _kept_as(file: Path, wanted: NDArray[np.int64], one: ManifestInput, abreast: int) -> Path:
    """By all that the pixels depend on."""
    about = file.stat()
    told = [
        VERSION,
        str(file.resolve()),
        about.st_size,
        about.st_mtime_ns,
        wanted.tolist(),
        one.channels,
        one.height,
        one.width,
    ]
    told += [one.resize, one.colour, *([abreast] if abreast > 1 else [])]
    return default_cache_dir() / f"video-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}.npy"


def _decode(file: Path, wanted: NDArray[np.int64], one: ManifestInput, target: Path, abreast: int) -> None:
    """Write the pixels to `target`, a frame at a time."""
    shape = _shape(wanted, one, abreast)
    pixels = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=shape)
    take_room(target)
    place, last = {int(number): k for k, number in enumerate(wanted)}, -1
    left = set(place)
    for last, picture in _pictures(file, one, place):
        if picture is not None:
            parts = _abreast(picture, abreast)
            _require_size(file, parts[0], one)
            own = np.concatenate([fit_picture(part, shape[2], shape[3] // abreast, shape[1]) for part in parts], axis=2)
            pixels[place[last]] = own[::-1] if one.colour == "bgr" else own
            left.discard(last)
    pixels.flush()
    if left:
        raise InputError(
            f"{file}: has {last + 1:,} frames, but {len(left)} of its rows name later ones (frame {min(left):,}, counted "
            "from 0). Is this the right video, and does its table count from 0?"
        )


def _abreast(picture: Image.Image, many: int) -> list[Image.Image]:
    """The pictures that a frame shows side by side, each by itself, so that none is blurred into the next."""
    width, height = picture.size
    return [picture.crop((k * width // many, 0, (k + 1) * width // many, height)) for k in range(many)]


def _pictures(file: Path, one: ManifestInput, wanted: Collection[int]) -> Iterator[tuple[int, Image.Image | None]]:
    """Every frame's number up to the last that is wanted, with its picture where it is. Raises InputError for what is no video,
    and for frames that shall be shown turned."""
    av, last = av_module(), max(wanted)
    try:
        with av.open(str(file)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if turn := getattr(frame, "rotation", 0):
                    raise InputError(
                        f"{file}: its frames are shown turned by {turn} degrees: turn the video itself first."
                    )
                shown = number in wanted
                yield number, frame.to_image().convert("L" if one.channels == 1 else "RGB") if shown else None
                if number >= last:
                    return
    except InputError:
        raise
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
