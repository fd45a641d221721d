"""What a layer says about each sample, with the sample's id and participant: codes that can be paired and probed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.capacity.embeddings import captured
from xgaze.data.batches import device_of, ordered_batches
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.progress import Advance

BATCH = 32


@dataclass(frozen=True)
class Codes:
    """n samples, in one order: ids and participants (n,), embedding (n, width) of a layer, outputs (n, outputs) of its model."""

    ids: list[str]
    participants: NDArray[np.str_]
    embedding: NDArray[np.float32]
    outputs: NDArray[np.float32]


@torch.inference_mode()
def collect_codes(
    models: Sequence[nn.Module],
    path: str,
    recording: Recording,
    rows: NDArray[np.int64],
    advance: Advance | None = None,
) -> list[Codes]:
    """Codes of the module at `path` in each model, from one reading of `rows`. The models are put in evaluation mode."""
    if len(rows) == 0:
        raise InputError(f"no samples to collect embeddings of '{path}' from.")
    ids: list[str] = []
    people: list[str] = []
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in models]
    for batch in ordered_batches(recording, rows, BATCH):
        ids += batch.ids
        people += batch.participants
        for model, store in zip(models, found, strict=True):
            with captured(model.eval(), path, "output") as seen:
                output = model(*batch.to(device_of(model)).inputs)
            store.append((seen.pop().float().cpu(), output.float().cpu()))
        if advance:
            advance(len(ids), len(rows))
    return [Codes(ids, np.array(people), *_joined(store)) for store in found]


def _joined(store: list[tuple[Tensor, Tensor]]) -> tuple[NDArray[Any], NDArray[Any]]:
    embedding, outputs = (torch.cat(parts).numpy() for parts in zip(*store, strict=True))
    return embedding, outputs
