"""Kills a command at each of its writes in turn, going on from what the kill before left: a script, since it forks after all
imports.

usage: kills.py FOLDER < JOBS. JOBS: a JSON list of {"start", "end", "words", "alike"}; FOLDER/start is the state that the
command finds, FOLDER/end will be what it leaves uninterrupted. alike: one kill for all files of one kind (the same name and
change, whatever folder they lie in). Prints a JSON list of {"words", "kills", "fault"}.

By hand, every write of the commands that take minutes: kills.py WALK [FOLDER], WALK one of those in killed_commands.py. What
was prepared in FOLDER is taken up again. Ends with exit code 1 where it found a fault.
"""

import json
import os
import re
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import xgaze.compression.distill as distill
import xgaze.compression.result as result
import xgaze.compression.search.trial as trial
from xgaze.artifacts import write_text
from xgaze.cli.main import main
from xgaze.compression.export.onnx import Latency
from xgaze.writing import LOCK, MARK

SCRATCH = re.compile(rf"/\{MARK}[0-9a-f]{{8}}-")
OLD = re.compile(rf"/{MARK}old-[^/]+/")
KILLED, MOST = 137, 300
TIMED = ("seconds", "latency", "_ms", "versions")
EXACT = (".safetensors", ".npy", ".png", ".yaml", ".txt")
LATENCY = {"median": 1.0, "p95": 1.0}


class Writes:
    """Sees what changes the files below `root`, and dies at the first change that is not among `known`. Inside scratch folders
    nothing counts, since nobody reads them. A file opened to be written in its place is left empty: the worst of a kill."""

    def __init__(self, root: Path, known: list[str], alike: bool = False) -> None:
        self.root = str(root)
        self.known = known
        self.alike = alike
        self.news = -1

    def __call__(self, event: str, args: tuple) -> None:
        path = None if self.news < 0 else changed(event, args)
        if path is None or not path.startswith(self.root) or SCRATCH.search(path):
            return
        one = f"{event} {self._place(path)}"
        if one not in self.known:
            news, self.news = self.news, -1
            os.write(news, one.encode())
            if event == "open":
                Path(path).write_bytes(b"")
            os._exit(KILLED)

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


def run(root: Path, words: list[str], known: list[str] | None = None, alike: bool = False) -> tuple[int, str]:
    """Exit code of the command in a fork, and the write that it was killed at."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(root)
        out = os.open("out.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if known is not None:
            writes = Writes(root, known, alike)
            sys.addaudithook(writes)
            writes.news = write
        code = command(words)
        os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        news = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), news


def command(words: list[str]) -> int:
    sys.argv = ["xgaze", *words]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException as error:
        sys.stderr.write(repr(error))
    return 1


def outcome(root: Path) -> dict[str, object]:
    """All that lies there and does not depend on the clock, by relative path. Test people scored again after a kill were scored
    twice."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    apart = (LOCK, "out.txt", "scorings.json")
    return {str(path.relative_to(root)): figures(path, root) for path in files if path.name not in apart}


def figures(path: Path, root: Path) -> object:
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text()))
    if path.suffix == ".csv":
        table = pd.read_csv(path)
        return table.drop(columns=[name for name in table if is_timed(name)]).to_csv()
    # A training's state names its own folder.
    return path.read_bytes().replace(os.fsencode(root), b"").hex() if path.suffix in EXACT else True


def without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_times(one) for key, one in value.items() if not is_timed(key)}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def is_timed(name: object) -> bool:
    return any(word in str(name) for word in TIMED)


def kill_each(start: Path, end: Path, words: list[str], alike: bool = False) -> dict[str, object]:
    """Until nothing is left to be killed at, the result must be that of the command left alone."""
    killed = end.with_name(
        f"{end.name[:-1]}~"
    )  # as long as the other: a name's length shows in the states that hold it
    for folder in (end, killed):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder)
    told: dict[str, object] = {"words": words, "kills": (known := []), "fault": ""}
    if run(end, words)[0]:
        return told | {"fault": f"left alone: {(end / 'out.txt').read_text()}"}
    while len(known) < MOST:
        code, news = run(killed, words, known, alike)
        if code == 0:
            break
        if code != KILLED:
            return told | {"fault": f"after {known[-1:]}: {code}, {(killed / 'out.txt').read_text()[-2000:]}"}
        known.append(news)
    else:
        return told | {"fault": f"not at its end after {MOST} kills"}
    wanted, found = outcome(end), outcome(killed)
    differ = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    return told | {"fault": f"differ: {differ}" if differ else ""}


def without_export() -> None:
    """Export and measurement of time take ten seconds, write as others do, and are left out."""

    def measure(model: Any, recording: Any, folder: Path) -> dict[str, Any]:
        write_text(folder / "model.onnx", "")
        size = {
            "parameters": 2,
            "fc_parameters": 1,
            "macs": 1,
            "bytes": 4,
            "onnx_bytes": 4,
            "onnx_parity": 0.0,
            "onnx_batch": "any",
            "onnx_fault": None,
        }
        return {**size, "latency_ms": LATENCY}

    def measure_int8(*_: Any) -> dict[str, Any]:
        worse = {"mean": 0.0, "low": 0.0, "high": 0.0}
        error = {"mean": 1.0, "median": 1.0, "low": 1.0, "high": 1.0, "unit": "px"}
        int8 = {
            "bytes": 4,
            "error": error,
            "latency_ms": LATENCY,
            "worse_than_reference_percent": worse,
            "warning": None,
        }
        return {"int8": int8, "int8_fault": None}

    def export(_bench: Any, _model: Any, file: Path) -> None:
        write_text(file, "")

    result.measure, result.measure_int8 = measure, measure_int8
    distill.check_onnx = lambda *_: None
    trial._export, trial.open_session, trial.measure_latency_ms = export, lambda _: None, lambda *_: Latency(**LATENCY)


def by_hand(name: str, base: Path) -> list[dict[str, object]]:
    """Kill at every write of one walk's commands, each in the state that those before it leave."""
    walks = runpy.run_path(str(Path(__file__).with_name("killed_commands.py")))
    (base / "start").mkdir(parents=True, exist_ok=True)
    for file, text in walks["FILES"].items():
        (base / "start" / file).write_text(text)
    for start, end, words in walks["BEFORE"]:
        if not (base / end).exists():
            shutil.copytree(base / start, base / end)
            if run(base / end, words.split())[0]:
                raise SystemExit((base / end / "out.txt").read_text())
    return [kill_each(base / start, base / end, words.split()) for start, end, words in walks["WALKS"][name]]


def from_jobs(base: Path) -> list[dict[str, object]]:
    jobs = json.load(sys.stdin)
    return [kill_each(base / one["start"], base / one["end"], one["words"], one.get("alike", False)) for one in jobs]


if __name__ == "__main__":
    torch.set_num_threads(1)
    without_export()
    name, *place = sys.argv[1:]
    walked = name if "/" not in name else ""
    base = Path(place[0] if place else tempfile.mkdtemp() if walked else name).resolve()
    os.environ["XGAZE_CACHE"] = str(base / "cache")
    told = by_hand(walked, base) if walked else from_jobs(base)
    sys.stdout.write(json.dumps(told, indent=1 if walked else None))
    sys.exit(int(bool(walked) and any(one["fault"] for one in told)))
