"""Writing that a kill cannot tear: files whole or not at all, folders that change places, one writer at a time."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from xgaze.errors import InputError
from xgaze.processes import is_helper

MARK = ".xgaze-"  # of every file and folder that is of no use once its writer is gone
LOCK = f"{MARK}writer.json"
READY, LAST = f"{MARK}ready-", f"{MARK}last"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CUT_SHORT = re.compile(r"\d+ requested and \d+ written")  # numpy's word for a full disk
PATIENCE_S = 10.0  # a killed writer's own workers hold its lock until they notice


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place, on the disk, when the block ends well, and vanishes otherwise.

    What it names may be a file or a folder. In a process that only helps, nothing takes its place.
    """
    if is_helper():
        with tempfile.TemporaryDirectory() as elsewhere:
            yield Path(elsewhere) / path.name
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(path.parent, path.name) as scratch, _told_of(path, scratch):
        temporary = scratch / path.name
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def _told_of(path: Path, scratch: Path) -> Iterator[None]:
    """What a full disk raises names the file that was to be written, not the scratch beside it, whose name tells nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is None and CUT_SHORT.search(str(error)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        if error.errno in NO_ROOM and (error.filename is None or str(scratch) in os.fsdecode(error.filename)):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def take_room(file: Path) -> None:
    """Have the room of a file on the disk before it is written to in memory: a full disk would kill the process then. Raises
    OSError."""
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as stored:
            os.posix_fallocate(stored.fileno(), 0, file.stat().st_size)


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new folder in `parent` for what will be `name`, gone when the block ends. Those that killed processes left for the same
    name are removed, those of living ones are not: the kernel keeps them locked."""
    start = f"{MARK}{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}-"
    _sweep(parent, start)
    scratch = Path(tempfile.mkdtemp(prefix=f"{start}{os.getpid()}-", dir=parent))
    with _opened(scratch) as own:
        _locked(own)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the bytes of a file, or of all files in a folder, on the disk before anything relies on them."""
    if path.is_dir():
        os.sync()  # once for all: thousands of pictures one by one would take minutes
        return
    with _opened(path) as descriptor:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where its file system can."""
    with suppress(OSError), _opened(folder) as descriptor:
        os.fsync(descriptor)


def new_folder(folder: Path) -> Path:
    """Where what shall replace `folder` is made."""
    return folder.with_name(f"{MARK}new-{folder.name}")


def replace_folder(folder: Path) -> None:
    """Put the finished `new_folder` in the place of `folder`. A kill in between is mended by the next writer's `settle`."""
    old = _old(folder)
    if folder.exists():
        folder.replace(old)
    new_folder(folder).replace(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def together(folder: Path, last: str) -> Iterator[Path]:
    """A new folder whose files take their places in `folder` when the block ends well; until then all that lies there stays.

    `last` is the file by which a result counts as finished: it never stands beside files of another result. A kill while files
    change places is mended by the next writer's `settle`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder.with_name(f"{READY}{folder.name}")
    _take_places(ready)
    with scratch_folder(folder.parent, folder.name) as scratch:
        yield scratch
        (scratch / LAST).mkdir()
        (scratch / last).replace(scratch / LAST / last)
        scratch.replace(ready)  # from now on the new result is the one that counts
    _take_places(ready)


def _take_places(ready: Path) -> None:
    """Move the files of a finished result, in what order a kill may leave them."""
    if not ready.exists():
        return
    folder = ready.with_name(ready.name.removeprefix(READY))
    folder.mkdir(exist_ok=True)
    lasts = list((ready / LAST).glob("*"))  # none where all but the empty folders was done
    others = [file for file in sorted(ready.iterdir()) if file.name != LAST]
    if others:
        for file in lasts:
            (folder / file.name).unlink(missing_ok=True)
    for file in (*others, *lasts):
        file.replace(folder / file.name)
    sync_folder(folder)
    shutil.rmtree(ready, ignore_errors=True)


def settle(parent: Path) -> None:
    """Finish what `replace_folder` and `together` had begun in `parent` when they were killed."""
    for ready in parent.glob(f"{READY}*"):
        _take_places(ready)
    for old in parent.glob(f"{MARK}old-*"):
        folder = parent / old.name.removeprefix(f"{MARK}old-")
        if not folder.exists():
            (new_folder(folder) if new_folder(folder).exists() else old).replace(folder)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Only this process writes in `folder` while the block lasts, and what a killed one had begun is settled first.

    The kernel frees the lock when its holder dies, however it dies. Raises InputError naming who holds it.
    """
    if is_helper():
        yield
        return
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + PATIENCE_S
        while _locked(file.fileno()) is False:
            file.seek(0)
            holder = _told(file.read())
            if _lives(holder) or time.monotonic() > deadline:
                raise InputError(_held(folder, holder))
            time.sleep(0.1)
        try:
            with _told_of(folder / LOCK, folder / LOCK):
                _sign(file.fileno())
            settle(folder)
            yield
        finally:
            _leave_nothing(folder, made)


def _leave_nothing(folder: Path, made: Sequence[Path]) -> None:
    """A command that ended before it wrote anything leaves no folders. made: those made for the lock, the innermost first."""
    if made and [one.name for one in folder.iterdir()] == [LOCK]:
        (folder / LOCK).unlink()
        for one in made:
            with suppress(OSError):  # others may have written beside it
                one.rmdir()


def _sign(lock: int) -> None:
    """Write who holds it. Not through a buffer: closing the file would try again on a full disk, and fail without its name."""
    os.truncate(lock, 0)
    os.write(lock, json.dumps(_myself(), ensure_ascii=True).encode() + b"\n")


def _myself() -> dict[str, str | int]:
    command = shlex.join(["xgaze", *sys.argv[1:]])
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}


def _told(text: str) -> dict[str, str | int]:
    """Who wrote `text`; nothing while it is being written."""
    with suppress(ValueError):
        stored = json.loads(text)
        if isinstance(stored, dict):
            return stored
    return {}


def _lives(holder: dict[str, str | int]) -> bool:
    """False only for a process of this machine that is known to be dead."""
    pid = holder.get("pid")
    if not isinstance(pid, int) or holder.get("host") != socket.gethostname():
        return bool(holder)
    return _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _held(folder: Path, holder: dict[str, str | int]) -> str:
    pid, host, command, since = (holder.get(key, "unknown") for key in ("pid", "host", "command", "since"))
    return (
        f"{folder}: another process writes there (process {pid} on {host}, since {since}: {command}). "
        "Wait until it has finished or stop it, or give --set name=NEW to work elsewhere."
    )


def _old(folder: Path) -> Path:
    return folder.with_name(f"{MARK}old-{folder.name}")


def _sweep(parent: Path, start: str) -> None:
    """Remove scratch folders whose process is dead. One that is alive may not have come to lock its own yet."""
    for left in parent.iterdir():
        pid = left.name.removeprefix(start).partition("-")[0]
        if left.name.startswith(start) and pid.isdecimal() and not _is_alive(int(pid)):
            with suppress(OSError), _opened(left) as descriptor:
                if _locked(descriptor):  # not held on another machine
                    shutil.rmtree(left, ignore_errors=True)


def _locked(descriptor: int) -> bool | None:
    """True: the lock is ours now. False: it is another process's. None: the file system knows no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
