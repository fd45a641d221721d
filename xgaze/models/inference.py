"""Predictions of a model over rows of a recording, in full precision."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.data.batches import device_of, ordered_batches
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.progress import Advance


@torch.inference_mode()
def predict(
    model: nn.Module,
    recording: Recording,
    rows: NDArray[np.int64],
    batch_size: int = 64,
    advance: Advance | None = None,
    name: str = "the model",
) -> NDArray[np.float32]:
    """Outputs (rows, outputs): gaze in px, a value in its unit, or one logit per class. The model is put in evaluation mode.

    Raises InputError with `name` and how many where some are no finite numbers.
    """
    model.eval()
    device = device_of(model)
    outputs: list[NDArray[np.float32]] = []
    for batch in ordered_batches(recording, rows, batch_size):
        outputs.append(model(*batch.to(device).inputs).float().cpu().numpy())
        if advance:
            advance(sum(map(len, outputs)), len(rows))
    found = np.concatenate(outputs)
    wrong = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(wrong):
        raise InputError(
            f"{name}: {len(wrong)} of {len(rows)} predictions are no finite numbers, the first that of sample "
            f"'{recording.table['id'].iloc[int(rows[wrong[0]])]}'. Look for weights that are no numbers (train again), pictures "
            "whose values are none, and a standard deviation of 0 in the recipe."
        )
    return found


@torch.no_grad()
def head_outputs(head: nn.Module, features: NDArray[np.float32], block: int = 512) -> NDArray[np.float32]:
    """head(features) in evaluation mode, block by block, since features may be memory-mapped and large: (n, outputs)."""
    head.eval()
    blocks = (np.ascontiguousarray(features[k : k + block]) for k in range(0, len(features), block))
    device = device_of(head)
    return torch.cat([head(torch.tensor(one, device=device)).float().cpu() for one in blocks]).numpy()
