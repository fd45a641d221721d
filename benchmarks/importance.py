"""By which importance should channels go? The same cut by each, on validation participants: `python benchmarks/importance.py`

The teacher comes from `checkpoints/` (train it first). Every convolution keeps a share of its channels, the most important by
each of `distill.importance`; errors are those right after the cut, and after `--epochs` of end-to-end tuning, per seed of it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from xgaze.artifacts import TEACHER
from xgaze.compression.build import build_student
from xgaze.compression.group_importance import IMPORTANCES
from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import Bench, open_bench
from xgaze.compression.search.judge import Judge
from xgaze.compression.student import load_model
from xgaze.data.contract import participants_of, rows_of, targets_of
from xgaze.data.open import open_recording
from xgaze.models.inference import head_outputs, predict
from xgaze.models.layers import FeatureHead
from xgaze.recipe import load_recipe


@dataclass(frozen=True)
class Cut:
    """Validation scores of a student right after the cut, and tuned, one per seed."""

    share: float
    importance: str
    at_once: float
    tuned: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="multi-eye")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.75, 0.5, 0.25], help="of channels kept")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the tuning")
    asked = parser.parse_args()
    recipe = load_recipe(asked.recipe, tuple(asked.overrides))
    teacher, _ = load_model(Path("checkpoints") / recipe.name / TEACHER, recipe.model)
    with TemporaryDirectory() as folder:
        bench = open_bench(recipe, open_recording(recipe.data), teacher, Path(folder))
        judge = judge_of(bench)
        print(f"teacher {judge.score(judge.reference):.1f}")
        print(
            f"| channels kept | importance | after the cut | tuned for {asked.epochs} epochs, by seed |\n|---|---|---|---|"
        )
        for one in cuts(bench, judge, asked):
            tuned = ", ".join(f"{score:.1f}" for score in one.tuned)
            print(f"| {100 * one.share:g} % | {one.importance} | {one.at_once:.1f} | {tuned} |", flush=True)


def judge_of(bench: Bench) -> Judge:
    """Of validation participants, against the teacher."""
    rows = rows_of(bench.recording, "validation")
    outputs = head_outputs(bench.teacher.head, bench.validation.values)
    people = participants_of(bench.recording, rows)
    return Judge(bench.recording.spec, targets_of(bench.recording, rows), people, outputs, TEACHER)


def cuts(bench: Bench, judge: Judge, asked: argparse.Namespace) -> Iterator[Cut]:
    rows = rows_of(bench.recording, "validation")

    def score(model: FeatureHead) -> float:
        return judge.score(np.asarray(predict(model, bench.recording, rows)))

    for share in asked.shares:
        for importance in IMPORTANCES:
            plan = Plan(share=share, keep=bench.keep, importance=importance)
            tuned = []
            for seed in asked.seeds:
                student, _ = build_student(bench.teacher, plan, bench.probe, bench.recording.spec.kind)
                at_once = score(student)
                folder = bench.folder / f"{importance}-{share:g}-{seed}"
                bench.tune_whole(student, folder, seed, importance, by_teacher=True, epochs=asked.epochs)
                tuned.append(score(student))
            yield Cut(share, importance, at_once, tuned)


if __name__ == "__main__":
    main()
