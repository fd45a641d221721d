"""What commands cost before they do anything: CPU seconds, and which large libraries they import. `python benchmarks/startup.py`

The least of `--times` runs each; wanted: `--help` at most 0.4 CPU s, a recipe's typo at most 0.8, a finished
`train-teacher` at most 1.0 (a tiny one is trained first, in a folder that goes).
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES = ("torch", "lightning", "captum", "sklearn", "pandas", "matplotlib")
TYPO = ["--set", "training.epoch=3"]
COMMANDS = {
    "--help": ["--help"],
    "--version": ["--version"],
    "train-teacher, a recipe's typo": ["train-teacher", *TYPO],
    "distill, a recipe's typo": ["distill", *TYPO],
    "explain, a recipe's typo": ["explain", *TYPO],
    "check, no such file": ["check", "nowhere.yaml"],
}
TINY = """
name: tiny
data: {source: rendered, height: 64, width: 80, train_participants: 4, validation_participants: 2, test_participants: 2,
  frames_per_participant: 2}
model: {name: multi-eye, args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 1}
"""
FINISHED = ["train-teacher", "tiny.yaml"]
RUN = f"""
import sys
from xgaze.cli.main import main
try:
    main()
finally:
    print("imported:", *(one for one in {LIBRARIES!r} if one in sys.modules))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    for name, words in COMMANDS.items():
        tell(name, words, asked.times)
    with tempfile.TemporaryDirectory() as folder:
        found = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
        os.environ.update(XGAZE_CACHE=folder, PYTHONPATH=os.pathsep.join(found))
        os.chdir(folder)
        Path("tiny.yaml").write_text(TINY, encoding="utf-8")
        cost(FINISHED)
        tell("train-teacher, finished", FINISHED, asked.times)


def tell(name: str, words: list[str], times: int) -> None:
    """A line: the least of so many runs."""
    runs = [cost(words) for _ in range(times)]
    print(f"{name:34} {min(seconds for seconds, _ in runs):5.2f} CPU s   {runs[0][1]}")


def cost(words: list[str]) -> tuple[float, str]:
    """CPU seconds of the command in an interpreter of its own, and what it imported of the large libraries."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    main()
