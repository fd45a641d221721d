"""Commands that train nothing, stopped at each of their writes in this process: nothing is torn then, and run again they leave
what they leave when left alone. What a real kill leaves of them, and of those that train, `kills.py` shows."""

import contextlib
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xgaze.artifacts import write_json
from xgaze.writing import LOCK, MARK

HERE = Path(__file__).parent
CHANGES = runpy.run_path(str(HERE / "disk_changes.py"))
LAID_OUT = runpy.run_path(str(HERE / "killed_commands.py"))
FINISHED = runpy.run_path(str(HERE / "finished_run.py"))
MOST = 100
STUDENT = "checkpoints/small/student"
EXPORT = "export small.yaml --samples 2 --to"
COMMANDS = {
    "report small.yaml": 5,
    f"predict {STUDENT} small.yaml --out p.csv": 1,
    f"features {STUDENT} small.yaml --samples 2 --out features": 4,
    "calibrate small.yaml --points 1": 2,
    "calibrate small.yaml --person anna --out anna.json": 1,
    "compare small other": 3,
    "render eyes --people 2 --frames 1 --height 32 --width 32": 1,
    "heatmaps Fixation.txt --out maps": 1,
    "saliency looking.yaml": 5,
    f"{EXPORT} onnx": 4,
    f"{EXPORT} int8": 4,
    f"{EXPORT} c": 10,
    f"{EXPORT} c --bits 32": 10,
}
"""With the writes that there are at least."""


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


@pytest.fixture(scope="module", autouse=True)
def hook() -> None:
    """An audit hook cannot be taken away again: it asks who is watching."""
    sys.addaudithook(lambda event, args: WATCHING[-1](event, args) if WATCHING else None)


@pytest.fixture(autouse=True)
def taken_for_dead(monkeypatch):
    """Who is stopped here lives on."""
    monkeypatch.setattr("xgaze.writing._is_alive", lambda _: False)


@contextlib.contextmanager
def watched(one: Stopping) -> Iterator[None]:
    WATCHING.append(one)
    one.armed = True
    try:
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


def faults_of(start: Path, place: Path, act: Callable[[], None]) -> tuple[list[str], list[str]]:
    """(writes stopped at, what is wrong) of `act`, which works in its current folder; `place` is for two copies of `start`."""
    alone, stopped = place / "alone~", place / "killed"
    for folder in (alone, stopped):
        shutil.copytree(start, folder)
    with contextlib.chdir(alone):
        act()
    before, wanted = lying(start), lying(alone)
    known: list[str] = []
    faults: list[str] = []
    while not faults and len(known) < MOST:
        writes = Stopping(stopped, known)
        try:
            with contextlib.chdir(stopped), watched(writes):
                act()
            break
        except Stopped:
            known += writes.new
        except Exception as error:
            faults.append(f"after {known[-1:]}: {error!r}")
        faults += [
            f"{known[-1]}: {name} is torn"
            for name, found in lying(stopped).items()
            if found not in (before.get(name), wanted.get(name))
        ]
    if not faults:
        found = lying(stopped)
        faults += [f"{name} differs" for name in wanted | found if wanted.get(name) != found.get(name)]
        faults += [f"{path} is left" for path in stopped.rglob(f"{MARK}*") if path.name != LOCK]
    return known, faults


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A finished run, another beside it, photographs with a teacher, a file of fixations and one person's recording."""
    base = tmp_path_factory.mktemp("stopped")
    folder, run = base / "start", FINISHED["run"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XGAZE_CACHE", str(base / "cache"))
        LAID_OUT["lay_out"](folder)
        FINISHED["make_run"](folder)
        shutil.copytree(folder / "checkpoints" / "small", folder / "checkpoints" / "other")
        with contextlib.chdir(folder):
            for words in ("train-teacher looking.yaml", f"{EXPORT} onnx", "render eyes --people 2 --frames 3"):
                ended = run(*words.split())
                assert ended.code == 0, ended.err
        yield folder


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_is_torn_and_the_next_run_ends_as_if_left_alone(start, tmp_path, words):
    def act() -> None:
        ended = FINISHED["run"](*words.split())
        if ended.code:
            raise RuntimeError(ended.err)

    known, faults = faults_of(start, tmp_path, act)
    assert not faults and len(known) >= COMMANDS[words], (known, faults)


def in_place() -> None:
    Path("a.json").write_text("{}")


def in_a_folder_made_twice() -> None:
    Path("a").mkdir()
    write_json(Path("a") / "a.json", {})


def never_finished() -> None:
    if not Path("a").exists():
        Path("a").mkdir()
        write_json(Path("a") / "a.json", {})


def whole() -> None:
    Path("a").mkdir(exist_ok=True)
    write_json(Path("a") / "a.json", {})


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (in_place, "a.json is torn"),
        (in_a_folder_made_twice, "FileExistsError"),
        (never_finished, "a/a.json differs"),
        (whole, ""),
    ],
)
def test_a_planted_fault_is_found(tmp_path, act, fault):
    (tmp_path / "start").mkdir()
    known, faults = faults_of(tmp_path / "start", tmp_path, act)
    assert known and bool(faults) == bool(fault) and fault in "".join(faults), (known, faults)
