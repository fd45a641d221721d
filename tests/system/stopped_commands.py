"""Stops a command at each of its writes in turn, in this process, going on from what the stop before left."""

import contextlib
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from xgaze.writing import LOCK, MARK

CHANGES = runpy.run_path(str(Path(__file__).parent / "disk_changes.py"))
MOST = 100


class Stopped(BaseException):
    """Stands for a kill: from now on nothing of the command changes the disk, whatever it does on its way out."""


class Stopping(CHANGES["Writes"]):
    """Stops the command instead of killing the process."""

    dead = False

    def __call__(self, event: str, args: tuple) -> None:
        if self.dead and (path := CHANGES["changed"](event, args)) and self.below(path):
            raise Stopped
        super().__call__(event, args)

    def end(self) -> None:
        self.dead = True
        raise Stopped


WATCHING: list[Stopping] = []
HOOKED: list[bool] = []


def _tell_who_watches(event: str, args: tuple) -> None:
    if WATCHING:
        WATCHING[-1](event, args)


@contextlib.contextmanager
def watched(one: Stopping) -> Iterator[None]:
    if not HOOKED:  # once: an audit hook cannot be taken away again
        sys.addaudithook(_tell_who_watches)
        HOOKED.append(True)
    WATCHING.append(one)
    one.armed = True
    try:
        with mock.patch("xgaze.writing._is_alive", lambda _: False):  # who is stopped here lives on
            yield
    finally:
        WATCHING.pop()


def lying(folder: Path) -> dict[str, object]:
    """What lies there under the names that readers know."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = {str(path.relative_to(folder)): path for path in files}
    return {name: told(path, folder) for name, path in names.items() if counts(name)}


def counts(name: str) -> bool:
    return MARK not in name and not name.endswith("scorings.json")


def told(path: Path, folder: Path) -> object:
    try:
        return CHANGES["figures"](path, folder)
    except Exception as error:
        return f"not readable: {error!r}"


def faults_of(start: Path, place: Path, act: Callable[[], None], every: int = 1) -> tuple[list[str], list[str]]:
    """(writes seen, what is wrong) of `act`, which works in its current folder; `place` is for two copies of `start`. every: stop
    at each so manieth new write."""
    alone, stopped = place / "alone~", place / "killed"
    for folder in (alone, stopped):
        shutil.copytree(start, folder)
    with contextlib.chdir(alone):
        act()
    before, wanted = lying(start), lying(alone)
    known: list[str] = []
    faults: list[str] = []
    while not faults and len(known) < MOST:
        writes = Stopping(stopped, known, every=every)
        try:
            with contextlib.chdir(stopped), watched(writes):
                act()
            break
        except Stopped:
            known += writes.new
        except Exception as error:
            faults.append(f"after {known[-1:]}: {error!r}")
        faults += [
            f"{known[-1:]}: {name} is torn"
            for name, found in lying(stopped).items()
            if found not in (before.get(name), wanted.get(name))
        ]
    if len(known) >= MOST:
        faults.append(f"not at its end after {MOST} writes")
    if not faults:
        found = lying(stopped)
        faults += [f"{name} differs" for name in wanted | found if wanted.get(name) != found.get(name)]
        faults += [f"{path} is left" for path in stopped.rglob(f"{MARK}*") if path.name != LOCK]
    return known, faults
