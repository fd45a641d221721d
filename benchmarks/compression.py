"""Every method at every budget: one table (CSV) and one picture. `python benchmarks/compression.py --help`

Teachers come from `checkpoints/`, one per recipe (train them first); trials are kept there too, so that a stopped run goes on.
Budgets of the fully connected layers: heads tuned on cached embeddings. Budgets of the whole model: tuned end to end. At a budget
every method gets the same epochs; "worse" means than the better of the teacher and the teacher tuned likewise, on validation
participants. All times on this machine.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from xgaze.artifacts import CONTROL, TEACHER
from xgaze.code_version import source_hash
from xgaze.compression.plan import Plan
from xgaze.compression.search.budget import judge_result
from xgaze.compression.search.exploration import Search, open_search, rivals
from xgaze.compression.search.frontier import row_of
from xgaze.compression.search.smallest import whole_plan
from xgaze.compression.search.trial import Ended, Result, Trial, Tuning, latency_ms
from xgaze.compression.search.trial_methods import UNTOUCHED
from xgaze.compression.student import load_model
from xgaze.compression.student_folder import teacher_weights
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.jobs import Fan
from xgaze.recipe import load_recipe
from xgaze.training.fit import fresh_folder

HEADS = ((3, 2), (2, 1), (1, 1))
"""(times the expected rank, separable terms) of the students that set the budgets of the fully connected layers."""
WORSE = ["worse_percent_mean", "worse_percent_low", "worse_percent_high"]
SHOWN = ["recipe", "shrunk", "budget", "method", "seed", "parameters", "parameter_reduction", "fc_parameters"]
SHOWN += ["fc_reduction", "macs", "bytes", "latency_ms", "validation_score", *WORSE, "seconds"]


def main() -> None:
    asked = arguments()
    table = pd.concat([rows_of_recipe(name, asked) for name in asked.recipes], ignore_index=True)[SHOWN]
    asked.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(asked.out / "compression.csv", index=False)
    draw(table, asked.out / "compression.png")
    print(in_markdown(summary(table)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["multi-eye"], help="built-in names or files")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--shares", nargs="*", type=float, default=[0.5, 0.375, 0.25], help="of channels kept: budgets of whole models"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the tuning")
    parser.add_argument("--workers", type=int, default=1, help="trials at the same time, in processes")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    return parser.parse_args()


def rows_of_recipe(name: str, asked: argparse.Namespace) -> pd.DataFrame:
    """One row per budget, method and seed."""
    recipe = load_recipe(name, tuple(asked.overrides))
    folder = Path("checkpoints") / recipe.name
    for part in ("trials", "embeddings"):
        fresh_folder(
            folder / "benchmark" / part, f"{recipe.trial_hash()}{teacher_weights(folder / 'benchmark')}-{source_hash()}"
        )
    teacher, _ = load_model(folder / TEACHER)
    search = open_search(recipe, open_recording(recipe.data), teacher, folder / "benchmark", Fan(asked.workers))
    rows = []
    for seed in asked.seeds:
        rows += rows_of_round(search, head_plans(search), "head", seed)
        if asked.shares:
            rows += rows_of_round(search, whole_plans(search, asked.shares), "whole", seed)
    return pd.DataFrame(rows).assign(recipe=recipe.name)


def head_plans(search: Search) -> list[Plan]:
    expected, most = search.capacity.expected_rank, search.capacity.out_features
    return list(dict.fromkeys(Plan(rank=min(most, times * expected), terms=terms) for times, terms in HEADS))


def whole_plans(search: Search, shares: Sequence[float]) -> list[Plan]:
    wanted = search.bench.recipe.distill
    return [whole_plan(search.capacity, search.bench.teacher, share, wanted.coarse_input, wanted) for share in shares]


def rows_of_round(search: Search, plans: Sequence[Plan], tuning: Tuning, seed: int) -> list[dict[str, object]]:
    """xgaze's students of these plans, which set the sizes, and the other methods at each; all tuned likewise."""
    control, *ended = search.run(
        [Trial(Plan(), tuning, UNTOUCHED, "labels", seed), *(Trial(plan, tuning, seed=seed) for plan in plans)]
    )
    controls = (
        {CONTROL: control.outputs} if isinstance(control, Result) else {}
    )  # the teacher stands in for one that diverged
    judge = search.judge.against_best({TEACHER: search.judge.reference, **controls})
    rows, epochs = [], search.bench.recipe.distill.end_to_end_epochs
    for own in finished(ended):
        size = own.fc_parameters if tuning == "head" else own.parameters
        label = {"shrunk": "fully connected" if tuning == "head" else "whole model", "budget": size}
        for one in [
            own,
            *run_possible(search, rivals(own, search.capacity.in_features, epochs)),
        ]:
            judged = judge_result(judge, one, latency_ms(search.bench, one))
            rows.append(row_of(judged, one, search.bench) | label)
    return rows


def run_possible(search: Search, trials: Sequence[Trial]) -> list[Result]:
    """All at once; where one breaks down, one by one without it."""
    try:
        return finished(search.run(trials))
    except InputError as error:
        if len(trials) == 1:
            print(f"{trials[0].method}, {trials[0].parameters or trials[0].plan.name}: {error}")
            return []
    return [done for one in trials for done in run_possible(search, [one])]


def finished(ended: Sequence[Ended]) -> list[Result]:
    """Those that did not diverge; the others are told."""
    for one in ended:
        if not isinstance(one, Result):
            print(f"{one.trial.method}, {one.trial.plan.name}: {one.reason}")
    return [one for one in ended if isinstance(one, Result)]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A line per budget and method: means over seeds, and the range of the difference."""
    keys = ["recipe", "shrunk", "budget", "method"]
    grouped = table.groupby(keys, sort=False)
    means = grouped[["parameters", "macs", "bytes", "latency_ms", "validation_score", "seconds"]].mean()
    worse = grouped["worse_percent_mean"].agg(["mean", "min", "max", "count"]).add_prefix("worse_")
    return means.join(worse).reset_index()


def in_markdown(lines: pd.DataFrame) -> str:
    """The summary as a table for people."""
    head = ["recipe", "shrunk to", "method", "parameters", "M MACs", "kB", "ms", "score", "worse, % (seeds)", "s"]
    rows = [head, ["---"] * len(head)]
    for one in lines.to_dict("records"):
        what = f"{one['budget']:,} {'in FC layers' if one['shrunk'] == 'fully connected' else 'in all'}"
        worse = f"{one['worse_mean']:+.1f} ({one['worse_min']:+.1f} to {one['worse_max']:+.1f}, {one['worse_count']})"
        milliseconds = "" if pd.isna(one["latency_ms"]) else f"{one['latency_ms']:.2f}"
        sizes = [f"{one['parameters']:,.0f}", f"{one['macs'] / 1e6:.1f}", f"{one['bytes'] / 1e3:.0f}"]
        score = f"{one['validation_score']:.3g}"
        rows.append([one["recipe"], what, one["method"], *sizes, milliseconds, score, worse, f"{one['seconds']:.0f}"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def draw(table: pd.DataFrame, file: Path) -> None:
    """Worse by, against size, one line per method (mean of seeds) and a dot per seed; a panel per recipe and kind of budget."""
    panels = list(table.groupby(["recipe", "shrunk"], sort=False))
    figure, axes = plt.subplots(1, len(panels), figsize=(5 * len(panels), 4), squeeze=False, layout="constrained")
    colours = dict(zip(dict.fromkeys(table["method"]), plt.get_cmap("tab10").colors, strict=False))  # type: ignore[attr-defined]
    for one, ((recipe, shrunk), rows) in zip(axes[0], panels, strict=True):
        for method, own in rows.groupby("method", sort=False):
            means = own.groupby("budget")["worse_percent_mean"].mean()
            one.plot(means.index, means.to_numpy(), "-", color=colours[method], label=method)
            one.plot(own["budget"], own["worse_percent_mean"], ".", color=colours[method])
        one.axhline(2, color="grey", linestyle="--", linewidth=1)
        one.set(xscale="log", title=f"{recipe}: {shrunk}", xlabel="parameters", ylabel="worse than the reference, %")
        one.set_yscale("symlog", linthresh=5)
        one.legend()
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
