"""Collect what flows into or out of a module, by its path, into memory-mapped files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.artifacts import atomic_path
from xgaze.data.batches import device_of, ordered_batches
from xgaze.data.contract import Recording
from xgaze.errors import InputError, nearest
from xgaze.progress import Advance
from xgaze.writing import take_room

Side = Literal["input", "output"]
BLOCK = 4096
"""Rows looked at together: a mapped file may be larger than the memory."""


@contextmanager
def captured(model: nn.Module, path: str, side: Side) -> Iterator[list[torch.Tensor]]:
    """A list that receives, at every forward, the (batch, width) tensor entering or leaving the module at `path`."""
    modules = dict(model.named_modules())
    if path not in modules:
        raise InputError(f"the model has no module '{path}'; {nearest(path, modules)}")
    seen: list[torch.Tensor] = []

    def hook(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        # A copy: the next layer may work in place.
        seen.append((inputs[0] if side == "input" else output).detach().flatten(1).clone())

    handle = modules[path].register_forward_hook(hook)
    try:
        yield seen
    finally:
        handle.remove()


@torch.inference_mode()
def collect_embeddings(
    model: nn.Module,
    path: str,
    recording: Recording,
    rows: NDArray[np.int64],
    file: Path,
    side: Side = "output",
    advance: Advance | None = None,
) -> NDArray[np.float32]:
    """Embeddings (rows, width) float32 of the module at `path`, in the order of `rows`, memory-mapped from `file` (.npy).

    The file appears only when whole.
    """
    model.eval()
    device = device_of(model)
    with atomic_path(file) as temporary, captured(model, path, side) as seen:
        store: NDArray[Any] | None = None
        done = 0
        for batch in ordered_batches(recording, rows):
            model(*batch.to(device).inputs)
            values = seen.pop().float().cpu().numpy()
            if store is None:
                shape = (len(rows), values.shape[1])
                store = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
                take_room(temporary)
            store[done : done + len(values)] = values
            done += len(values)
            if advance:
                advance(done, len(rows))
        if store is None:
            raise InputError(f"no samples to collect embeddings of '{path}' from.")
        store.flush()  # type: ignore[attr-defined]
    return open_embeddings(file)


def open_embeddings(file: Path) -> NDArray[np.float32]:
    """A stored embedding file, memory-mapped and read-only; pickled arrays are refused."""
    stored: NDArray[np.float32] = np.load(file, mmap_mode="r", allow_pickle=False)
    return stored


def readable_embeddings(file: Path, rows: int) -> NDArray[np.float32] | None:
    """The same of so many rows; None where there is no such file or a damaged one, so that it is collected again."""
    try:
        stored = open_embeddings(file)
    except Exception:  # what a damaged file raises is of a dozen types
        return None
    fitting = stored.ndim == 2 and len(stored) == rows and stored.dtype == np.float32
    return stored if fitting and all(np.isfinite(stored[k : k + BLOCK]).all() for k in range(0, rows, BLOCK)) else None
