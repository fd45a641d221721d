"""Where many independent jobs run: one after the other, in several processes, or on a Dask cluster that sees the same folders."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import joblib

from xgaze.errors import InputError


@dataclass(frozen=True)
class Fan:
    """workers: processes on this machine. dask: address of a scheduler, whose workers see this file system."""

    workers: int = 1
    dask: str | None = None

    @property
    def width(self) -> int:
        """How many jobs run at the same time, as far as is known."""
        return self.workers

    @property
    def alone(self) -> bool:
        """Everything runs in this process."""
        return self.workers == 1 and self.dask is None

    @property
    def threads(self) -> int:
        """Threads for each job, so that all together fill the machine."""
        return max(1, (os.cpu_count() or 1) // self.workers)


def run_elsewhere(fan: Fan, work: Callable[..., None], jobs: Iterable[tuple[Any, ...]]) -> None:
    """work(*job) for all jobs, in other processes; what they leave lies in files. Raises InputError where Dask or its
    scheduler is missing."""
    with _backend(fan.dask):
        joblib.Parallel(n_jobs=fan.workers)(joblib.delayed(work)(*job) for job in jobs)


def _backend(address: str | None) -> AbstractContextManager[Any]:
    """joblib's backend for the address."""
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
