"""What shows only in decoded pixels: pictures that cannot be read, have another size, or are made grey; and their hashes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xgaze.data.checks.perceptual_hash import every, hash_of, shows
from xgaze.data.eyes.eye_scan import Frame, Session
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.fault_kinds import Fault
from xgaze.data.pictures.decoding import TRAITS, Decoded, PictureError, Trait, decode
from xgaze.data.pictures.picture_files import Pictures
from xgaze.data.pictures.pixels import grey_of, in_threads, is_coloured
from xgaze.progress import Advance

Told = Trait | Literal["colour"]


@dataclass(frozen=True)
class Looked:
    """A frame or picture after decoding. digest: hash of its pixels, "" when it could not be read whole. traits: of its pictures,
    each as often as it was seen; size: (width, height) px of a picture, (0, 0) of none. owner: whose it is; hash: a perceptual
    one of its pictures, empty of those that were not read whole or are beyond what is kept; blank: they
    were read and show nothing."""

    name: str
    split: str
    digest: str
    faults: tuple[Fault, ...]
    traits: tuple[Told, ...] = ()
    pictures: int = 1
    size: tuple[int, int] = (0, 0)
    owner: str = ""
    hash: bytes = b""
    blank: bool = False


def look_at_frames(sessions: Iterable[Session], data: EyeFoldersData, advance: Advance | None) -> list[Looked]:
    """Decode every view of every frame."""
    frames = [(session, frame) for session in sessions for frame in session.frames]
    return kept_hashes(
        in_threads(lambda item: _look_at_frame(*item, data), frames, advance), len(frames), len(data.views)
    )


def look_at_pictures(
    pictures: Pictures, splits: Sequence[str], owners: Sequence[str], advance: Advance | None, grey: bool = False
) -> list[Looked]:
    """Decode every picture; splits and owners have one name per picture, "" where unknown. grey: what is read of them."""
    rows = list(zip(range(len(pictures)), splits, owners, strict=True))
    return kept_hashes(in_threads(lambda item: _look_at_picture(pictures, *item, grey), rows, advance), len(rows), 1)


def kept_hashes(looked: Iterable[Looked], samples: int, pictures: int) -> list[Looked]:
    """So many samples of so many pictures, without the hashes that are beyond what is kept."""
    step = every(samples, pictures)
    return [replace(one, hash=one.hash if k % step == 0 else b"") for k, one in enumerate(looked)]


def faults_of(looked: Sequence[Looked]) -> list[Fault]:
    """What cannot be read."""
    return [fault for one in looked for fault in one.faults]


def remarks_of(looked: Sequence[Looked], what: str = "pictures") -> list[str]:
    """What was done to pictures, with counts and the first of them."""
    total = sum(one.pictures for one in looked)
    seen: Counter[str] = Counter(trait for one in looked for trait in one.traits)
    first: dict[str, str] = {trait: one.name for one in reversed(looked) for trait in one.traits}
    words: dict[str, str] = {**{str(key): said for key, said in TRAITS.items()}, "colour": "in colour and read as grey"}
    return [
        f"{seen[trait]:,} of {total:,} {what} are {said}, e.g. {first[trait]}."
        for trait, said in words.items()
        if seen[trait]
    ]


def _look_at_frame(session: Session, frame: Frame, data: EyeFoldersData) -> Looked:
    def read(_: str, decoded: Decoded, path: Path) -> NDArray[np.uint8]:
        return grey_of(decoded, path, data.height, data.width)

    name = f"{session.name} frame {frame.name}"
    whole, grey = len(frame.files) == len(data.views), dict.fromkeys(data.views, True)
    looked = look_at_views(name, session.split, session.folder, frame.files, read, whole, grey)
    return replace(looked, owner=session.participant)


def look_at_views(
    name: str,
    split: str,
    folder: Path,
    files: Mapping[str, str],
    read: Callable[[str, Decoded, Path], NDArray[np.uint8]],
    whole: bool,
    grey: Mapping[str, bool],
    absent: Mapping[str, NDArray[np.uint8]] = MappingProxyType({}),
    decoded_before: Mapping[str, NDArray[np.uint8]] = MappingProxyType({}),
) -> Looked:
    """Decode all pictures of a sample. files: view -> path below `folder`; read: the pixels of a view. whole: none is missing; of
    others no hash is taken. grey: view -> whether it is read as such. absent: what stands for views that
    are missing, and may be. decoded_before: pixels of further views, as of frames of videos."""
    seen = dict[str, NDArray[np.uint8]]({**absent, **decoded_before})
    faults, traits = list[Fault](), list[Told]()
    for view, file in files.items():
        path = folder / file
        try:
            decoded = decode(path)
            seen[view] = read(view, decoded, path)
            traits += told_of(decoded, grey[view])
        except PictureError as error:
            faults.append(Fault(error.kind, f"{name}: {view} {error.reason} ({file})."))
    looked = Looked(name, split, "", tuple(faults), tuple(traits), len(files))
    shown = [seen[view] for view in grey if view in seen]
    return with_hashes(looked, shown) if whole and (files or decoded_before) and not faults else looked


def with_hashes(looked: Looked, pixels: Sequence[NDArray[Any]]) -> Looked:
    """The same with what its pictures were, each (height, width) or (channels, height, width)."""
    return _with_hash(replace(looked, digest=_digest(pixels)), pixels)


def _with_hash(looked: Looked, pixels: Sequence[NDArray[Any]]) -> Looked:
    hashed = hash_of(pixels)
    return replace(looked, hash=hashed, blank=not shows(hashed))


def _look_at_picture(pictures: Pictures, row: int, split: str, owner: str, grey: bool) -> Looked:
    name = pictures.name(row)
    try:
        decoded = pictures.decode(row)
    except PictureError as error:
        return Looked(name, split, "", (Fault(error.kind, f"{name}: {error.reason}."),))
    picture = decoded.picture
    seen = Looked(name, split, _digest([np.asarray(picture)]), (), told_of(decoded, grey), 1, picture.size, owner)
    return _with_hash(seen, [np.asarray(picture.convert("L"))])


def told_of(decoded: Decoded, grey: bool) -> tuple[Told, ...]:
    """What was done to a picture. grey: it is read as such."""
    return (*decoded.traits, "colour") if grey and is_coloured(decoded.picture) else decoded.traits


def _digest(pixels: Sequence[NDArray[Any]]) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for one in pixels:
        hashed.update(str(one.shape).encode())
        hashed.update(np.ascontiguousarray(one).data)
    return hashed.hexdigest()
