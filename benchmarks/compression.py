"""Every method at every budget: one table (CSV) and one picture. `python benchmarks/compression.py --help`

Teachers come from `checkpoints/`, one per recipe (train them first); trials are kept there too, so that a stopped run goes on.
Every model at a budget is tuned end to end for the same number of epochs; worse than means the better of the teacher and the
teacher with that tuning, on validation participants. All times on this machine.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from xgaze.compression.budget import judge_result
from xgaze.compression.explore import Search, open_search
from xgaze.compression.fanout import Fan
from xgaze.compression.frontier import row_of
from xgaze.compression.methods import CONTROL
from xgaze.compression.plan import Plan
from xgaze.compression.search import whole_plan
from xgaze.compression.student import load_model
from xgaze.compression.trial import Result, Trial, latency_ms
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.recipe import load_recipe

OTHERS = ("scratch", "magnitude", "taylor")
SHOWN = [
    "recipe",
    "method",
    "seed",
    "towers_share",
    "parameters",
    "parameter_reduction",
    "fc_parameters",
    "macs",
    "bytes",
]
SHOWN += ["latency_ms", "validation_score", "worse_percent_mean", "worse_percent_low", "worse_percent_high", "seconds"]


def main() -> None:
    asked = arguments()
    table = pd.concat([rows_of_recipe(name, asked) for name in asked.recipes], ignore_index=True)[SHOWN]
    asked.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(asked.out / "compression.csv", index=False)
    draw(table, asked.out / "compression.png")
    print(table.round(2).to_string(index=False))
    print(summary(table).round(2).to_string())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["multi-eye"], help="built-in names or files")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--shares", nargs="+", type=float, default=[0.5, 0.375, 0.25], help="of channels kept: the budgets"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the tuning")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    return parser.parse_args()


def rows_of_recipe(name: str, asked: argparse.Namespace) -> pd.DataFrame:
    """One row per method, budget and seed."""
    recipe = load_recipe(name, tuple(asked.overrides))
    folder = Path("checkpoints") / recipe.name
    teacher, _ = load_model(folder / "teacher")
    search = open_search(recipe, open_recording(recipe.data), teacher, folder / "student", Fan())
    rows = []
    for seed in asked.seeds:
        (control,) = search.run([Trial(Plan(), "whole", CONTROL, "labels", seed)])
        search.add_controls({f"control {seed}": control})
        results = [result for share in asked.shares for result in results_at(search, share, seed)]
        rows += [row(search, one) | {"recipe": recipe.name} for one in results]
    return pd.DataFrame(rows)


def results_at(search: Search, share: float, seed: int) -> list[Result]:
    """xgaze's student of this share, and the others at its size."""
    wanted = search.bench.recipe.distill
    plan = whole_plan(search.capacity, search.bench.teacher, share, wanted.coarse_input)
    (ours,) = search.run([Trial(plan, "whole", seed=seed)])
    found = [ours]
    sized = Trial(Plan(), "whole", "", "labels", seed, ours.parameters)
    same = Trial(plan, "whole", "scratch", "labels", seed)
    for trial in [same, *(replace(sized, method=method) for method in OTHERS[1:])]:
        try:
            found += search.run([trial])
        except InputError as error:
            print(f"{trial.method} at {ours.parameters:,} parameters: {error}")
    return found


def row(search: Search, result: Result) -> dict[str, object]:
    return row_of(judge_result(search.judge, result, latency_ms(search.bench, result)), result, search.bench)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over seeds."""
    table = table.assign(budget=table["parameters"].map(lambda n: f"{n:,}"))
    return table.groupby(["recipe", "method", "budget"])["worse_percent_mean"].agg(["mean", "min", "max", "count"])


def draw(table: pd.DataFrame, file: Path) -> None:
    """Worse by, against parameters, one line per method; a panel per recipe."""
    recipes = list(dict.fromkeys(table["recipe"]))
    figure, panels = plt.subplots(1, len(recipes), figsize=(6 * len(recipes), 4), squeeze=False, layout="constrained")
    for axes, recipe in zip(panels[0], recipes, strict=True):
        for method, own in table[table["recipe"] == recipe].groupby("method"):
            means = own.groupby("parameters")["worse_percent_mean"].mean()
            axes.plot(means.index, means.values, "o-", label=method)
        axes.axhline(2, color="grey", linestyle="--", linewidth=1)
        axes.set(xscale="log", title=recipe, xlabel="parameters", ylabel="worse than teacher tuned as long, %")
        axes.legend()
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
