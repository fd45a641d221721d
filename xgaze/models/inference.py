"""Predictions of a model over rows of a recording, in full precision."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.batches import device_of, ordered_batches
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
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
    return _finite(np.concatenate(outputs), recording, rows, name)


@torch.inference_mode()
def predict_each(
    models: Mapping[str, FeatureHead],
    recording: Recording,
    rows: NDArray[np.int64],
    batch_size: int = 64,
    advance: Advance | None = None,
) -> dict[str, NDArray[np.float32]]:
    """`predict` of every model. Towers that several have in common, weight by weight and to the bit in what they make of the
    first batch, are computed once: students and control of a search over heads differ in their heads alone."""
    towers: dict[str, str] = {}
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in models}
    done = 0
    for batch in ordered_batches(recording, rows, batch_size):
        seen: dict[str, Tensor] = {}
        for name, model in models.items():
            if towers.get(name, name) not in seen:
                placed = batch.to(device_of(model.eval())).inputs
                features = model.features(
                    *(x.clone() for x in placed)
                )  # a layer may overwrite what it reads, and so may a head
                alike = (one for one, known in seen.items() if _same_towers(models[one], model, known, features))
                towers.setdefault(name, next(alike, name))
                seen.setdefault(towers[name], features)
            parts[name].append(model.head(seen[towers[name]].clone()).float().cpu().numpy())
        done += len(batch.ids)
        if advance:
            advance(done, len(rows))
    return {name: _finite(np.concatenate(own), recording, rows, name) for name, own in parts.items()}


def _same_towers(one: FeatureHead, other: FeatureHead, known: Tensor, features: Tensor) -> bool:
    if known.shape != features.shape or known.device != features.device or not torch.equal(known, features):
        return False
    ours, theirs = (
        {name: value for name, value in model.state_dict().items() if not name.startswith("head.")}
        for model in (one, other)
    )
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def _finite(
    found: NDArray[np.float32], recording: Recording, rows: NDArray[np.int64], name: str
) -> NDArray[np.float32]:
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
