"""Do many trials: one after the other, in several processes, or on a Dask cluster that sees the same folders."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import torch

from xgaze.compression.bench import Bench, open_bench
from xgaze.compression.student import load_model
from xgaze.compression.trial import Result, Trial, read_result, run_trial, trial_folder
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.recipe import Recipe


@dataclass(frozen=True)
class Fan:
    """workers: processes on this machine. dask: address of a scheduler, whose workers see this file system."""

    workers: int = 1
    dask: str | None = None

    @property
    def width(self) -> int:
        """How many trials run at the same time, as far as is known."""
        return self.workers


@dataclass(frozen=True)
class Order:
    """What a process elsewhere needs to open the same bench; no models and no pictures travel."""

    recipe: Recipe
    teacher: Path
    folder: Path
    threads: int


def run_all(bench: Bench, trials: Sequence[Trial], fan: Fan, teacher_folder: Path) -> list[Result]:
    """Results in the order of `trials`. Those finished before are only read."""
    if fan.workers == 1 and fan.dask is None:
        return [run_trial(bench, trial) for trial in trials]
    waiting = [trial for trial in dict.fromkeys(trials) if not is_finished(bench, trial)]
    threads = max(1, (os.cpu_count() or 1) // fan.workers)
    order = Order(bench.recipe, teacher_folder.resolve(), bench.folder.resolve(), threads)
    with _backend(fan.dask):
        joblib.Parallel(n_jobs=fan.workers)(joblib.delayed(run_elsewhere)(order, trial) for trial in waiting)
    return [read_result(trial_folder(bench, trial), trial) for trial in trials]


def run_elsewhere(order: Order, trial: Trial) -> None:
    """In another process: open recording, teacher and bench from files, do the trial, leave its folder."""
    torch.set_num_threads(order.threads)
    recording = open_recording(order.recipe.data)
    teacher, _ = load_model(order.teacher)
    run_trial(open_bench(order.recipe, recording, teacher, order.folder), trial)


def is_finished(bench: Bench, trial: Trial) -> bool:
    return (trial_folder(bench, trial) / "trial.json").is_file()


def _backend(address: str | None) -> AbstractContextManager[Any]:
    """joblib's backend for the address. Raises InputError where Dask or its scheduler is missing."""
    if address is None:
        return nullcontext()
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask needs Dask: python -m pip install 'xgaze[cluster]'.") from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}). Expected for example tcp://127.0.0.1:8786."
        ) from None
    return _Connected(client)


class _Connected:
    """joblib on Dask for as long as the client is open."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.config = joblib.parallel_config(backend="dask", wait_for_workers_timeout=30)

    def __enter__(self) -> None:
        self.config.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.config.__exit__(*error)
        self.client.close()
