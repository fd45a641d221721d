"""What commands cost before they do anything: CPU seconds, and which large libraries they import. `python benchmarks/startup.py`

The least of `--times` runs each; wanted: `--help` at most 0.4 CPU s, a recipe's typo at most 0.8.
"""

import argparse
import resource
import subprocess
import sys

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
        runs = [cost(words) for _ in range(asked.times)]
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
