"""What `xgaze distill` reaches on a recipe's teacher, beside what we aim at. `python benchmarks/targets.py`

Runs the search of whole models from nothing, teacher given. Prints a line per target, with the figures of test participants, and
by how much it is met or missed. `--figures WHOLE.json` reads what `xgaze distill --json` printed before, and leaves the time out.
With a table of benchmarks/compression.py (`--table`) it says at which budgets our students do better than torch-pruning's best.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from xgaze.cli.common import ends_in_words


@dataclass(frozen=True)
class Line:
    """A target. reached: larger is better unless `at_most`. holds: whether the student is within the error allowed."""

    what: str
    target: float
    unit: str
    reached: float
    worse: str
    holds: bool = True
    at_most: bool = False
    digits: int = 1

    def __str__(self) -> str:
        good = self.reached <= self.target if self.at_most else self.reached >= self.target
        verdict = "met" if good and self.holds else "MISSED"
        by = f"{100 * (self.reached / self.target - 1):+.0f} %"
        error = "" if not self.worse else f"; error {self.worse}" + ("" if self.holds else ", more than allowed")
        reached = f"{self.reached:.{self.digits}f}{self.unit}"
        return f"{verdict:7}{self.what}: {reached}, target {self.target:g}{self.unit} ({by}){error}"


def main() -> None:
    asked = arguments()
    if asked.figures:
        found = lines(json.loads(asked.figures.read_text()))
    else:
        figures, seconds = distil(asked.recipe, asked.overrides)
        found = [*lines(figures), Line("search, whole models", 20, " min", seconds / 60, "", at_most=True)]
    for line in found:
        print(line)
    if asked.table.is_file():
        print(against_torch_pruning(pd.read_csv(asked.table), asked.recipe))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--figures", type=Path, metavar="WHOLE.json")
    parser.add_argument("--table", type=Path, default=Path("benchmarks/results/compression.csv"))
    return parser.parse_args()


def distil(recipe: str, overrides: list[str]) -> tuple[dict[str, Any], float]:
    """Figures and seconds of a search from nothing, by the command itself."""
    command = [str(Path(sys.executable).with_name("xgaze")), "distill", recipe, "--json", "--force"]
    for override in overrides:
        command += ["--set", override]
    start = time.perf_counter()
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(found.stdout), time.perf_counter() - start


def lines(found: dict[str, Any]) -> list[Line]:
    """The targets, all at an upper bound of 2 % but the size of the file in 8 bits, at one of 3 %, and its time, at one of 0.5 %
    against the file in floats."""
    int8 = found["student"]["int8"]
    eight, lost = int8["worse_than_reference_percent"], int8["difference_percent"]
    told, holds = worse(found)
    return [
        Line("parameters, whole model", 40, "x", found["parameter_reduction"], told, holds),
        Line("parameters in fully connected layers", 250, "x", found["fc_reduction"], told, holds),
        Line("onnxruntime, 1 thread", 4, "x", found["latency_ratio"], told, holds),
        Line(
            "file in 8 bits",
            100,
            "x",
            found["int8_file_reduction"],
            in_words(eight, found["worse_unit"]),
            eight["high"] is not None and eight["high"] <= 3,
        ),
        Line(
            "file in 8 bits, times as fast as in floats",
            1.5,
            "x",
            1 / int8["time_ratio"]["mean"],
            f"{lost['mean']:+.2f} {found['worse_unit']} {ends_in_words(lost, '+.2f')} against floats",
            lost["high"] is not None and lost["high"] <= 0.5,
            digits=2,
        ),
    ]


def worse(figures: dict[str, Any]) -> tuple[str, bool]:
    difference = figures["difference_percent"]
    return in_words(difference, figures["worse_unit"]), difference["high"] is not None and difference["high"] <= 2


def in_words(difference: dict[str, Any], unit: str) -> str:
    return f"{difference['mean']:+.1f} {unit} {ends_in_words(difference, '+.1f')}"


def against_torch_pruning(table: pd.DataFrame, recipe: str) -> str:
    """At which sizes of whole models ours loses less than the better of torch-pruning's two, mean over seeds."""
    own = table[(table["recipe"] == recipe) & (table["shrunk"] == "whole model")]
    means = own.groupby(["budget", "method"])["worse_percent_mean"].mean().unstack()
    theirs = means[[name for name in ("magnitude", "taylor") if name in means]].min(axis=1).dropna()
    told = [f"{size:,} parameters {means['xgaze'][size]:+.1f} % against {theirs[size]:+.1f} %" for size in theirs.index]
    lower = int((means["xgaze"][theirs.index] < theirs).sum())
    return f"Worse by, against torch-pruning's best: {'; '.join(told)} ({lower} of {len(theirs)} lower)."


if __name__ == "__main__":
    main()
