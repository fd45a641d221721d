"""What the commands of `make demo` cost here, by the clock, in CPU time and memory, and how long a training takes to begin.

    python benchmarks/commands.py [--recipe multi-eye] [--keep FOLDER] [--set KEY=VALUE ...]

Each command runs by itself, in a folder and with a cache of pictures that begin empty (and go, unless --keep names them; what a
kept folder holds already is not computed again). Memory is the peak of the command's largest process, mapped files among it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MAPS_ONLY = ("explain", "--sample", "17", "--over", "0")
COMMANDS = (
    ("train-teacher",),
    ("distill", "--prune-fc", "--effort", "quick"),
    MAPS_ONLY,
    ("explain", "--sample", "17"),
)
DEMO = [words for words in COMMANDS if words != MAPS_ONLY]
FIRST_STEP = """
import os, sys
from xgaze.cli.main import main
from xgaze.training import fit
fit.Progress.on_train_batch_end = lambda *_: os._exit(0)
main()
"""


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:9.1f} s {self.cpu_s:11.1f} s {self.peak_mb:13,.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    sets = [word for one in asked.set for word in ("--set", one)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (asked.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{'':48}{'clock':>11} {'CPU time':>13} {'largest process':>16}")
        costs = {words: told(words, asked.recipe, sets, folder) for words in COMMANDS}
        print(f"{'together, as in make demo':48}{sum(costs[words].wall_s for words in DEMO):9.1f} s")
        begin = cost([sys.executable, "-c", FIRST_STEP, "train-teacher", asked.recipe, *sets], folder, folder / "begun")
        print(f"{'train-teacher until its first step, pictures there':48}{begin}")


def told(words: tuple[str, ...], recipe: str, sets: list[str], folder: Path) -> Cost:
    """A command's cost, which is printed. What was written of an explanation is computed anew."""
    shutil.rmtree(folder / "reports", ignore_errors=True)
    found = cost([sys.executable, "-m", "xgaze.cli.main", words[0], recipe, *words[1:], *sets], folder, folder)
    print(f"{'xgaze ' + ' '.join(words):48}{found}", flush=True)
    return found


def cost(command: list[str], cache: Path, folder: Path) -> Cost:
    """Of one command, run in `folder`. Its children count too."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "XGAZE_CACHE": str(cache / "cache")}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command[2:])} failed.")
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
