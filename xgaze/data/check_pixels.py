"""Faults that show only in decoded pixels: pictures that cannot be read, have another size, or lie in two splits."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.check_faults import Fault
from xgaze.data.contract import SPLITS
from xgaze.data.sources.decoding import PictureError
from xgaze.data.sources.eye_scan import Frame, Session
from xgaze.data.sources.picture_files import Pictures
from xgaze.data.sources.pictures import in_threads, read_grey
from xgaze.progress import Advance
from xgaze.recipe import EyeFoldersData


@dataclass(frozen=True)
class Looked:
    """A frame or picture after decoding. digest: hash of its pixels, "" when it could not be read whole."""

    name: str
    split: str
    digest: str
    faults: tuple[Fault, ...]


def frame_faults(sessions: Iterable[Session], data: EyeFoldersData, advance: Advance | None) -> list[Fault]:
    """Decode every view of every frame."""
    frames = [(session, frame) for session in sessions for frame in session.frames]
    return _faults_of(list(in_threads(lambda item: _look_at_frame(*item, data), frames, advance)))


def picture_faults(pictures: Pictures, splits: Sequence[str], advance: Advance | None) -> list[Fault]:
    """Decode every picture; splits has one name per picture, "" where unknown."""
    rows = list(zip(range(len(pictures)), splits, strict=True))
    return _faults_of(list(in_threads(lambda item: _look_at_picture(pictures, *item), rows, advance)))


def _look_at_frame(session: Session, frame: Frame, data: EyeFoldersData) -> Looked:
    name, seen, faults = f"{session.name} frame {frame.name}", list[NDArray[np.uint8]](), []
    for view, file in frame.files.items():
        try:
            seen.append(read_grey(session.folder / file, data.height, data.width))
        except PictureError as error:
            faults.append(Fault(error.kind, f"{name}: {view} {error.reason} ({file})."))
    digest = _digest(seen) if len(seen) == len(data.views) else ""
    return Looked(name, session.split, digest, tuple(faults))


def _look_at_picture(pictures: Pictures, row: int, split: str) -> Looked:
    name = pictures.name(row)
    try:
        return Looked(name, split, _digest([np.asarray(pictures.read(row))]), ())
    except PictureError as error:
        return Looked(name, split, "", (Fault(error.kind, f"{name}: {error.reason}."),))


def _digest(pixels: Sequence[NDArray[np.uint8]]) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for one in pixels:
        hashed.update(str(one.shape).encode())
        hashed.update(np.ascontiguousarray(one).data)
    return hashed.hexdigest()


def _faults_of(looked: Sequence[Looked]) -> list[Fault]:
    return [fault for one in looked for fault in one.faults] + _identical(looked)


def _identical(looked: Sequence[Looked]) -> list[Fault]:
    """One fault per picture that lies in several splits, naming the first copy in each."""
    copies: dict[str, list[Looked]] = {}
    for one in looked:
        if one.digest and one.split:
            copies.setdefault(one.digest, []).append(one)
    faults = []
    for same in copies.values():
        firsts = {one.split: one.name for one in reversed(same)}
        if len(firsts) > 1:
            where = " and ".join(f"{firsts[split]} ({split})" for split in SPLITS if split in firsts)
            count = f"; {len(same)} copies in all" if len(same) > len(firsts) else ""
            faults.append(Fault("identical images across splits", f"{where} have the same pixels{count}."))
    return faults
