"""What is too large is said before memory is taken: the limits, and how much memory is free."""

import re
from pathlib import Path

from xgaze.errors import InputError

MOST_PICTURE_PX = 89_000_000
"""Pixels of a picture that is read or drawn: below this, Pillow suspects no decompression bomb."""
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def require_picture_size(width: int, height: int, what: str, remedy: str) -> None:
    """Raises InputError for a picture, called `what`, of more than `MOST_PICTURE_PX`."""
    if width * height > MOST_PICTURE_PX:
        raise InputError(f"{what}: {too_many_px(width * height)} ({width:,} x {height:,}). {remedy}")


def too_many_px(pixels: int) -> str:
    """A picture's pixels and the limit, in words."""
    return f"{pixels / 1e6:,.0f} megapixels, of which a picture may have {MOST_PICTURE_PX / 1e6:.0f}"


def require_memory(needed_bytes: float, what: str, remedy: str, free_bytes: float | None = None) -> None:
    """Raises InputError where `what` needs more memory than is free (asked of the system unless told)."""
    free = free_memory_bytes() if free_bytes is None else free_bytes
    if free is not None and needed_bytes > free:
        raise InputError(f"{what} needs {_size(needed_bytes)} of memory, and {_size(free)} are free. {remedy}")


def free_memory_bytes() -> float | None:
    """Memory that this process may still take; None where the system does not say."""
    known = [free for free in (_of_machine(), _of_control_group()) if free is not None]
    return min(known) if known else None


def _of_machine() -> float | None:
    told = re.search(r"^MemAvailable:\s+(\d+) kB", _read(Path("/proc/meminfo")), re.MULTILINE)
    return 1024.0 * int(told[1]) if told else None


def _of_control_group() -> float | None:
    """What a container's limit leaves; pages of files that were read do not count, they can go."""
    most, used = (_read(_CONTROL_GROUP / f"memory.{name}").strip() for name in ("max", "current"))
    if not most.isdecimal() or not used.isdecimal():
        return None
    files = re.search(r"^inactive_file (\d+)", _read(_CONTROL_GROUP / "memory.stat"), re.MULTILINE)
    return float(int(most) - int(used) + (int(files[1]) if files else 0))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.1f} MB"
