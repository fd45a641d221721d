"""The list of SHA-256 sums beside a model that is handed over, in the form that `sha256sum -c SHA256SUMS` reads."""

import hashlib
import re
from pathlib import Path

from xgaze.artifacts import write_text

SUMS_FILE = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  ([\w.-]+(?:/[\w.-]+)?)")


def sum_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def line_of(folder: Path, name: str) -> str:
    return f"{sum_of(folder / name)}  {name}\n"


def refresh_sum(folder: Path, name: str) -> None:
    """The line of a file that was written anew, for whoever writes it. Nothing where the folder was never exported, or its list
    is damaged: that is for `xgaze verify` to say. Sums of all other files stay as they were."""
    file = folder / SUMS_FILE
    if not file.is_file():
        return
    lines = file.read_text("utf-8", errors="replace").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    if not all(found):
        return
    kept = {one[2]: f"{one[0]}\n" for one in found if one is not None}
    write_text(file, "".join({**kept, name: line_of(folder, name)}.values()))
