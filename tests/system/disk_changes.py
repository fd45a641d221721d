"""What changes files while a command runs, and what a folder holds when it has ended: shared by those who kill commands."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xgaze.writing import LOCK, MARK

SCRATCH = re.compile(rf"/\{MARK}[0-9a-f]{{8}}-")
OLD = re.compile(rf"/{MARK}old-[^/]+/")
TIMED = (
    "seconds",
    "latency",
    "_ms",
    "versions",
    "budget.csv",
    "int8",
)  # whose hash holds them; the form in 8 bits goes by times
EXACT = (".safetensors", ".npy", ".png", ".yaml", ".txt", ".svg", ".c", ".h", ".raw", ".py")


class Writes:
    """An audit hook that sees what changes the files below `root`, and ends the command at a change that is not among `known`:
    the first, or of every `every` new ones the last. Inside scratch folders nothing counts, since nobody reads them.

    alike: files of one kind (the same name and change, whatever folder they lie in) are one change.
    """

    def __init__(self, root: Path, known: list[str], alike: bool = False, every: int = 1) -> None:
        self.root = str(root)
        self.known = known
        self.alike = alike
        self.new: list[str] = []
        self.every = every
        self.armed = False

    def __call__(self, event: str, args: tuple) -> None:
        path = changed(event, args) if self.armed else None
        if path is None or not self.below(path) or SCRATCH.search(path):
            return
        one = f"{event} {self._place(path)}"
        if one in self.known or one in self.new:
            return
        self.new.append(one)
        if len(self.new) == self.every:
            self.armed = False
            if event == "open":  # a file opened to be written in its place is left empty: the worst of a kill
                Path(path).write_bytes(b"")
            self.end()

    def end(self) -> None:
        raise NotImplementedError

    def below(self, path: str) -> bool:
        return path.startswith(self.root + "/")

    def _place(self, path: str) -> str:
        """What is told of a path: below the root, or what files of its kind have in common."""
        below = path.removeprefix(self.root)
        if below.startswith("/reports/") and path.endswith(".csv"):  # thirty tables written alike
            return "/reports/ .csv"
        if self.alike or OLD.search(below):  # files of a replaced result, removed one by one
            return re.sub(r"[0-9a-f]{12,}|\d+", "N", Path(below).name)
        return below


def changed(event: str, args: tuple) -> str | None:
    """The path that an audited event changes."""
    if event == "os.rename":
        return whole_path(args[1], args[3])
    if event in ("os.remove", "os.rmdir"):
        return whole_path(args[0], args[1])
    if event == "os.mkdir":
        path = whole_path(args[0], args[2])
        return None if Path(path).exists() else path
    if event == "open" and isinstance(args[0], str):
        mode, flags = args[1] or "", args[2] or 0
        writes = set(mode) & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR)
        return whole_path(args[0], -1) if writes else None
    return None


def whole_path(path: Any, folder: int) -> str:
    """An absolute path; folder: the open one that it starts from, or -1."""
    start = Path(f"/proc/self/fd/{folder}").readlink() if folder >= 0 else Path.cwd()
    return os.path.normpath(start / os.fsdecode(path))


def outcome(root: Path) -> dict[str, object]:
    """All that lies there and does not depend on the clock, by relative path. Test people scored again after a kill were scored
    twice."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    apart = (LOCK, "out.txt", "scorings.json")
    return {str(path.relative_to(root)): figures(path, root) for path in files if path.name not in apart}


def figures(path: Path, root: Path) -> object:
    """What a file says, without times."""
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text()))
    if path.suffix == ".csv":
        table = pd.read_csv(path)
        return table.drop(columns=[name for name in table if is_timed(name)]).to_csv()
    if path.suffix == ".npz":  # whose archive holds the hour
        with np.load(path, allow_pickle=False) as stored:
            return {name: (stored[name].shape, digest(stored[name].tobytes())) for name in stored.files}
    # A training's state names its own folder.
    return digest(path.read_bytes().replace(os.fsencode(root), b"")) if path.suffix in EXACT else True


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_times(one) for key, one in value.items() if not is_timed(key)}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def is_timed(name: object) -> bool:
    return any(word in str(name) for word in TIMED)
