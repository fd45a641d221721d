"""What `xgaze distill` reaches on a recipe's teacher, beside what we aim at. `python benchmarks/targets.py`

Runs both searches from nothing (about half an hour on 2 cores), teacher given: fully connected layers only, and whole models.
Prints a line per target, with the figures of test participants, and by how much it is met or missed. `--figures HEADS.json
WHOLES.json` reads what `xgaze distill --prune-fc --json` and `xgaze distill --json` printed before, and leaves the times out.
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

    def __str__(self) -> str:
        good = self.reached <= self.target if self.at_most else self.reached >= self.target
        verdict = "met" if good and self.holds else "MISSED"
        by = f"{100 * (self.reached / self.target - 1):+.0f} %"
        error = "" if not self.worse else f"; error {self.worse}" + ("" if self.holds else ", more than allowed")
        return f"{verdict:7}{self.what}: {self.reached:.1f}{self.unit}, target {self.target:g}{self.unit} ({by}){error}"


def main() -> None:
    asked = arguments()
    if asked.figures:
        heads, wholes = (json.loads(file.read_text()) for file in asked.figures)
        found = lines(heads, wholes)
    else:
        heads, head_seconds = distil(asked.recipe, asked.overrides, "--prune-fc")
        wholes, whole_seconds = distil(asked.recipe, asked.overrides)
        found = lines(heads, wholes) + times(head_seconds, whole_seconds)
    for line in found:
        print(line)
    if asked.table.is_file():
        print(against_torch_pruning(pd.read_csv(asked.table), asked.recipe))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--figures", nargs=2, type=Path, metavar=("HEADS.json", "WHOLES.json"))
    parser.add_argument("--table", type=Path, default=Path("benchmarks/results/compression.csv"))
    return parser.parse_args()


def distil(recipe: str, overrides: list[str], *options: str) -> tuple[dict[str, Any], float]:
    """Figures and seconds of one search from nothing, by the command itself."""
    command = [str(Path(sys.executable).with_name("xgaze")), "distill", recipe, *options, "--json", "--force"]
    for override in overrides:
        command += ["--set", override]
    start = time.perf_counter()
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(found.stdout), time.perf_counter() - start


def lines(heads: dict[str, Any], wholes: dict[str, Any]) -> list[Line]:
    """The targets, all at an upper bound of 2 % but the file in 8 bits, at an estimate of 3 %."""
    int8 = wholes["student"]["int8"]["worse_than_reference_percent"]
    return [
        Line("fully connected parameters", 250, "x", heads["fc_reduction"], *worse(heads)),
        Line("parameters, whole model", 20, "x", wholes["parameter_reduction"], *worse(wholes)),
        Line("latency, onnxruntime, 1 thread", 3, "x", wholes["latency_ratio"], *worse(wholes)),
        Line(
            "file in 8 bits",
            40,
            "x",
            wholes["int8_file_reduction"],
            in_words(int8, wholes["worse_unit"]),
            int8["mean"] <= 3,
        ),
    ]


def times(head_seconds: float, whole_seconds: float) -> list[Line]:
    return [
        Line("search, fully connected layers", 20, " min", head_seconds / 60, "", at_most=True),
        Line("search, whole models", 20, " min", whole_seconds / 60, "", at_most=True),
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
