"""Kills a command at each of its writes in turn, going on from what the kill before left: a script, since it forks after all
imports.

usage: kills.py FOLDER < JOBS. JOBS: a JSON list of {"start", "end", "words", "alike"}; FOLDER/start is the state that the
command finds, FOLDER/end will be what it leaves uninterrupted. alike: one kill for all files of one kind (the same name and
change, whatever folder they lie in). Prints a JSON list of {"words", "kills", "fault"}.

By hand, every write of the commands that take minutes: kills.py WALK [FOLDER] [--every K], WALK one of those in
killed_commands.py. What was prepared in FOLDER is taken up again. --every: only every K-th write. Ends with exit code 1 where it
found a fault.
"""

import argparse
import json
import os
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from disk_changes import Writes, outcome

import xgaze.compression.distill as distill
import xgaze.compression.result as result
import xgaze.compression.search.trial as trial
from xgaze.artifacts import write_text
from xgaze.cli.main import main
from xgaze.compression.export.onnx import Latency

KILLED, MOST = 137, 300
LATENCY = {"median": 1.0, "p95": 1.0}


class Deadly(Writes):
    """Kills the process, which first tells by a pipe what it was killed at and what it let pass before."""

    pipe = -1

    def end(self) -> None:
        os.write(self.pipe, json.dumps(self.new).encode())
        os._exit(KILLED)


def run(root: Path, words: list[str], writes: Deadly | None = None) -> tuple[int, list[str]]:
    """Exit code of the command in a fork, and its new writes up to the one that it was killed at."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(root)
        out = os.open("out.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if writes is not None:
            sys.addaudithook(writes)
            writes.pipe, writes.armed = write, True
        code = command(words)
        os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        news = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), json.loads(news or "[]")


def command(words: list[str]) -> int:
    sys.argv = ["xgaze", *words]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException as error:
        sys.stderr.write(repr(error))
    return 1


def kill_each(start: Path, end: Path, words: list[str], alike: bool = False, every: int = 1) -> dict[str, object]:
    """When nothing is left to be killed at, the result must be that of the command left alone. every: kill at each so manieth
    new write."""
    killed = end.with_name(
        f"{end.name[:-1]}~"
    )  # as long as the other: a name's length shows in the states that hold it
    for folder in (end, killed):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder)
    told: dict[str, object] = {"words": words, "kills": (kills := []), "fault": ""}
    known: list[str] = []
    if run(end, words)[0]:
        return told | {"fault": f"left alone: {(end / 'out.txt').read_text()}"}
    while len(kills) < MOST:
        code, news = run(killed, words, Deadly(killed, known, alike, every))
        if code == 0:
            break
        if code != KILLED:
            return told | {"fault": f"after {kills[-1:]}: {code}, {(killed / 'out.txt').read_text()[-2000:]}"}
        known += news
        kills.append(news[-1])
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


def by_hand(name: str, base: Path, every: int) -> list[dict[str, object]]:
    """Kill at the writes of one walk's commands, each in the state that those before it leave."""
    walks = runpy.run_path(str(Path(__file__).with_name("killed_commands.py")))
    if not (base / "start").exists():
        walks["lay_out"](base / "start")
    jobs = walks["WALKS"][name]
    for start, end, words in needed(walks["BEFORE"], {start for start, *_ in jobs}):
        if not (base / end).exists():
            shutil.copytree(base / start, base / end)
            if run(base / end, words.split())[0]:
                raise SystemExit((base / end / "out.txt").read_text())
    return [kill_each(base / start, base / end, words.split(), every=every) for start, end, words in jobs]


def needed(before: list[tuple[str, str, str]], states: set[str]) -> list[tuple[str, str, str]]:
    """What leads to these states, in order."""
    kept = []
    for one in reversed(before):
        if one[1] in states:
            states = states | {one[0]}
            kept.append(one)
    return kept[::-1]


def from_jobs(base: Path) -> list[dict[str, object]]:
    jobs = json.load(sys.stdin)
    return [kill_each(base / one["start"], base / one["end"], one["words"], one.get("alike", False)) for one in jobs]


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--every", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    torch.set_num_threads(1)
    without_export()
    given = asked()
    walked = given.name if "/" not in given.name else ""
    base = (given.folder or Path(tempfile.mkdtemp() if walked else given.name)).resolve()
    os.environ["XGAZE_CACHE"] = str(base / "cache")
    told = by_hand(walked, base, given.every) if walked else from_jobs(base)
    sys.stdout.write(json.dumps(told, indent=1 if walked else None))
    sys.exit(int(bool(walked) and any(one["fault"] for one in told)))
