"""Do many trials: one after the other, in several processes, or on a Dask cluster that sees the same folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from xgaze.compression.search.bench import Bench, open_bench
from xgaze.compression.search.trial import Ended, Trial, ended_trial, run_trial
from xgaze.compression.student import load_model
from xgaze.data.open import open_recording
from xgaze.data.teacher_truth import judged_by_stored
from xgaze.jobs import Fan, run_elsewhere
from xgaze.recipe import Recipe


@dataclass(frozen=True)
class Order:
    """What a process elsewhere needs to open the same bench; no models and no pictures travel."""

    recipe: Recipe
    teacher: Path
    folder: Path
    threads: int


def run_all(bench: Bench, trials: Sequence[Trial], fan: Fan, teacher_folder: Path) -> list[Ended]:
    """What came of each, in the order of `trials`. Those finished before are only read."""
    if fan.alone:
        return [run_trial(bench, trial) for trial in trials]
    waiting = [trial for trial in dict.fromkeys(trials) if not is_finished(bench, trial)]
    order = Order(bench.recipe, teacher_folder.resolve(), bench.folder.resolve(), fan.threads(len(waiting)))
    run_elsewhere(fan, carry_out, [(order, trial) for trial in waiting], f"{len(waiting)} trials")
    return [run_trial(bench, trial) for trial in trials]


def carry_out(order: Order, trial: Trial) -> None:
    """In another process: open recording, teacher and bench from files, do the trial, leave its folder."""
    torch.set_num_threads(order.threads)
    recording = judged_by_stored(open_recording(order.recipe.data), order.teacher)
    teacher, _ = load_model(order.teacher, order.recipe.model)
    run_trial(open_bench(order.recipe, recording, teacher, order.folder), trial)


def is_finished(bench: Bench, trial: Trial) -> bool:
    return ended_trial(bench, trial) is not None
