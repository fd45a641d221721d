"""Do many trials: one after the other, in several processes, or on a Dask cluster that sees the same folders."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

WAIT_SECONDS = 30
"""For a cluster's first worker: one that grows on demand starts it only when there is something to do."""


@dataclass(frozen=True)
class Fan:
    """workers: processes on this machine. dask: address of a scheduler, whose workers see this file system."""

    workers: int = 1
    dask: str | None = None


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


def trials_at_once(fan: Fan) -> int:
    """Processes of this machine, or workers that the cluster has now. Raises InputError for a cluster without any."""
    if fan.dask is None:
        return fan.workers
    with _cluster(fan.dask) as client:
        workers = len(client.nthreads())
    return workers


def is_finished(bench: Bench, trial: Trial) -> bool:
    return (trial_folder(bench, trial) / "trial.json").is_file()


@contextmanager
def _backend(address: str | None) -> Iterator[None]:
    """joblib's backend for the address. Raises InputError as `_cluster` does."""
    if address is None:
        yield
        return
    with _cluster(address), joblib.parallel_config(backend="dask"):
        yield


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """A client of the scheduler at `address`, which has at least one worker by now. Raises InputError where Dask or its
    scheduler is missing, or where no worker comes."""
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
    with client:
        try:
            client.submit(os.getpid, pure=False).result(timeout=WAIT_SECONDS)
        except TimeoutError:
            raise InputError(
                f"--dask {address}: the scheduler has no workers, and none came within {WAIT_SECONDS} s. "
                f"Start some where they see this folder: dask worker {address}."
            ) from None
        yield client
