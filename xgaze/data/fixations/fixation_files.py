"""Files of fixations on disk: which ones belong to the recording, and what their paths tell."""

import re
from collections.abc import Iterable
from pathlib import Path

from xgaze.data.fault_kinds import listed
from xgaze.errors import InputError

ENDINGS = r"\.(csv|tsv|txt|asc|parquet|gz)"
Found = tuple[Path, dict[str, str]]


def found_files(path: Path, layout: str | None) -> list[Found]:
    """The files of a recording, sorted, each with the participant, stimulus and trial that its path tells."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if layout is None:
        if path.is_dir():
            example = "{participant}/fixations.csv"
            raise InputError(f"{path}: is a folder; say with `layout` which files to read, for example {example}.")
        return [(path, {})]
    if layout.startswith("/") and path.is_dir():
        raise InputError(f"{path}: layout {layout} is no place in it; leave the first / out.")
    pattern = re.compile("(?:.*/)?" + re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(layout)))
    files = sorted(path.glob(re.sub(r"{\w+}", "*", layout))) if path.is_dir() else [path]
    told = [(file, pattern.fullmatch(file.as_posix())) for file in files]
    fitting = [(file, match.groupdict()) for file, match in told if match]
    if not fitting:
        raise InputError(f"{path}: no file fits the layout {layout}.")
    if odd := [str(file.relative_to(path)) for file, _ in fitting if not file.is_file()]:
        raise InputError(
            f"{path}: {len(odd)} of {len(fitting)} names that fit the layout are no files, but folders, pipes or broken links: "
            f"{listed(odd)}."
        )
    return fitting


def left_out(path: Path, layout: str | None, found: Iterable[Found]) -> list[str]:
    """What to say of files whose names fit the layout but for case or ending, and of folders without any file of it."""
    if layout is None or not path.is_dir():
        return []
    files = {file for file, _ in found}
    stem, _, _ = layout.rpartition(".")
    almost = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(stem or layout)) + f"({ENDINGS})+", re.IGNORECASE)
    beside = sorted({one for folder in {file.parent for file in files} for one in folder.iterdir()} - files)
    odd = [name for one in beside if almost.fullmatch(name := one.relative_to(path).as_posix()) and one.name[0] != "."]
    notes = [f"{len(odd)} files beside fit the layout but for case or ending: left out ({listed(odd)})."] if odd else []
    first = re.sub(r"{\w+}", "*", layout.partition("/")[0])
    folders = [one for one in sorted(path.glob(first)) if one.is_dir() and not one.name.startswith(".")]
    empty = [one.name for one in folders if not any(one in file.parents for file in files)] if "/" in layout else []
    return notes + ([f"{len(empty)} folders hold no file of the layout ({listed(empty)})."] if empty else [])
