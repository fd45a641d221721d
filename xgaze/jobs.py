"""Where many independent jobs run: one after the other, in several processes, or on a Dask cluster that sees the same folders."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xgaze.errors import InputError
from xgaze.processes import end_with
from xgaze.progress import progress_bar

WAIT_SECONDS = 30
"""For a cluster's first worker: one that grows on demand starts it only when there is something to do."""


@dataclass(frozen=True)
class Fan:
    """workers: processes on this machine. dask: address of a scheduler, whose workers see this file system."""

    workers: int = 1
    dask: str | None = None

    @property
    def alone(self) -> bool:
        """Everything runs in this process."""
        return self.workers == 1 and self.dask is None

    def threads(self, jobs: int) -> int:
        """Threads for each of so many jobs, so that those at the same time fill the machine: a single one has all of it."""
        return max(1, (os.cpu_count() or 1) // min(self.workers, max(1, jobs)))


def jobs_at_once(fan: Fan) -> int:
    """Processes of this machine, or workers that the cluster has now. Raises InputError for a cluster without any."""
    if fan.dask is None:
        return fan.workers
    with _cluster(fan.dask) as client:
        workers = len(client.nthreads())
    return workers


def run_elsewhere(fan: Fan, work: Callable[..., None], jobs: Sequence[tuple[Any, ...]], what: str) -> None:
    """work(*job) for all jobs, in other processes; what they leave lies in files. Processes of this machine work in this one's
    folder and end with it. what: on the bar. Raises InputError as `jobs_at_once`."""
    import joblib

    parent = Parent(os.getpid(), Path.cwd()) if fan.dask is None else None
    called = (joblib.delayed(_watched)(parent, work, job) for job in jobs)
    with _backend(fan.dask), progress_bar(what) as advance:
        if fan.dask is not None:
            joblib.Parallel(n_jobs=fan.workers)(called)
            return
        for done, _ in enumerate(joblib.Parallel(n_jobs=fan.workers, return_as="generator_unordered")(called)):
            advance(done + 1, len(jobs))


@dataclass(frozen=True)
class Parent:
    """The process that asks for jobs on this machine, and the folder that its relative paths are read from."""

    pid: int
    folder: Path


def _watched(parent: Parent | None, work: Callable[..., None], job: tuple[Any, ...]) -> None:
    """In another process: do one job, but not for a parent that has died. A cluster's workers have none."""
    if parent is not None:
        end_with(parent.pid)
        # joblib keeps its processes for a while: this one may have been started where the parent stood before.
        os.chdir(parent.folder)
    work(*job)


@contextmanager
def _backend(address: str | None) -> Iterator[None]:
    """joblib's backend for the address. Raises InputError as `_cluster` does."""
    if address is None:
        yield
        return
    import joblib

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
