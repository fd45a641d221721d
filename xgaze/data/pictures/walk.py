"""All picture files below a folder, and what else lies there: nothing is passed over without being counted."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xgaze.data.fault_kinds import listed
from xgaze.data.path_templates import natural_key
from xgaze.data.pictures.decoding import is_picture, without_suffix

_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")
"""What systems leave behind; like hidden files, it is nobody's data."""
NO_PICTURE = "xgaze reads as no picture)"
READ_ALREADY = "are read already under another name"


@dataclass(frozen=True)
class LeftOut:
    """Something below a folder that is not read, or read though one may doubt it, and why."""

    path: PurePosixPath
    why: str
    is_other_file: bool = False
    """Of no picture's name, such as a table: no fault where such files belong."""


@dataclass(frozen=True)
class Walk:
    """Pictures relative to a folder, in natural order, and all else but hidden files."""

    pictures: tuple[PurePosixPath, ...]
    left_out: tuple[LeftOut, ...]


def walk(root: Path) -> Walk:
    """Look through a folder at any depth. Links are followed, but no folder is read twice; pipes are not opened."""
    pictures: list[PurePosixPath] = []
    left_out: list[LeftOut] = []
    if root.is_dir():
        for path, why in _entries(root, {root.resolve()}):
            found = PurePosixPath(path.relative_to(root).as_posix())
            if why:
                left_out.append(LeftOut(found, why, why.endswith(NO_PICTURE)))
            else:
                pictures.append(found)
    return Walk(tuple(sorted(pictures, key=_key)), tuple(sorted(left_out, key=lambda one: _key(one.path))))


def is_shown(name: str) -> bool:
    """Whether a file or folder of this name may be somebody's data."""
    return not name.startswith(".") and name not in _JUNK


def told_left_out(left_out: Sequence[LeftOut]) -> list[str]:
    """One line for each reason, with counts by folder: that of a participant, in a class."""
    reasons = Counter(one.why for one in left_out)
    return [f"{count} {why}: {_by_folder(left_out, why)}." for why, count in reasons.items()]


def told_twins(pictures: Sequence[PurePosixPath]) -> list[str]:
    """A remark on pictures whose names differ in their ending alone: one picture, saved twice?"""
    counts = Counter(without_suffix(str(path)) for path in pictures)
    twins = [path for path in pictures if counts[without_suffix(str(path))] > 1]
    if not twins:
        return []
    first = [str(one) for one in twins if without_suffix(str(one)) == without_suffix(str(twins[0]))]
    return [
        f"{len(twins)} pictures differ from another in their ending alone and are all read, e.g. {' and '.join(first)}."
    ]


def _by_folder(left_out: Sequence[LeftOut], why: str) -> str:
    own = [one.path for one in left_out if one.why == why]
    folders = Counter(str(path.parent) for path in own)
    return listed([f"{printable(folder)} ({count})" for folder, count in folders.items()]) + (
        f"; e.g. {printable(str(own[0]))}"
    )


def _entries(folder: Path, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Every entry, with the reason why it is left out, "" for pictures."""
    try:
        entries = sorted(os.scandir(folder), key=lambda one: natural_key(one.name))
    except OSError as error:
        yield folder, f"left out (folders that cannot be opened: {error.strerror})"
        return
    for entry in entries:
        path = folder / entry.name
        if not is_shown(entry.name):
            continue
        if not is_utf8(entry.name):
            yield path, "left out (names that are not in UTF-8; rename them)"
        elif _is(entry.is_dir):
            yield from _below(path, entry.is_symlink(), seen)
        else:
            yield path, _objection(entry)


def _below(path: Path, is_link: bool, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    place = path.resolve()
    if place in seen:
        yield path, f"left out ({'links to folders' if is_link else 'folders'} that {READ_ALREADY})"
        return
    seen.add(place)
    if is_picture(path.name):
        yield path, "named like pictures but folders, what lies in them is read"
    yield from _entries(path, seen)


def _objection(entry: "os.DirEntry[str]") -> str:
    if not _is(entry.is_file):
        dangling = entry.is_symlink() and not Path(entry.path).exists()
        return f"left out ({'links that lead nowhere' if dangling else 'no files: pipes, sockets or devices'})"
    if is_picture(entry.name):
        return ""
    suffix = Path(entry.name).suffix.lower()
    return f"left out ({f'ending in {suffix}' if suffix else 'without an ending'}, which {NO_PICTURE}"


def _is(kind: Callable[[], bool]) -> bool:
    """Links in a circle are nothing."""
    try:
        return kind()
    except OSError:
        return False


def is_utf8(name: str) -> bool:
    """Whether a file's name can be written into tables and messages."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(path: str) -> str:
    """A path with codes for bytes that are no UTF-8."""
    return path.encode(errors="backslashreplace").decode()


def _key(path: PurePosixPath) -> list[tuple[list[tuple[int, int, str]], str]]:
    return [natural_key(part) for part in path.parts]
