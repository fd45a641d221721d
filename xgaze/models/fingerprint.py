"""A stored model says what it puts out for a few fixed patterns, so that weights under edited code are noticed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from xgaze.artifacts import WEIGHTS_HASH, file_hash
from xgaze.data.batches import device_of
from xgaze.data.contract import InputSpec, Spec, normalise
from xgaze.errors import InputError
from xgaze.models.own_networks.fidelity import Inputs, outputs

OUTPUTS_OF_PATTERNS = "outputs_of_patterns"
OWN_CODE = ("xgaze.", "torch.")
OF_SPREAD = 1e-3
OF_LARGEST = 1e-4
_CONTRASTS = (1.0, 0.5, 0.25, 0.0)
_GOLDEN = 2654435761  # 2^32 / golden ratio: its multiples modulo 2^32 are spread evenly, on every machine the same


def patterns(spec: Spec) -> Inputs:
    """Four samples that depend on the spec alone: fixed noise of full, half and quarter contrast, and none."""
    return tuple(_pattern(one, k) for k, one in enumerate(spec.inputs))


def _pattern(one: InputSpec, number: int) -> torch.Tensor:
    count = int(np.prod(one.shape))
    steps = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(number * count)) * np.uint64(_GOLDEN)
    noise = (steps % np.uint64(2**32)).astype(np.float64).reshape(one.shape) / 2**32 - 0.5
    if one.dtype == "uint8":
        return normalise(np.stack([128 + 255 * k * noise for k in _CONTRASTS]).astype(np.uint8), one)
    return torch.tensor(np.stack([4 * k * noise for k in _CONTRASTS]), dtype=torch.float32)


def stored_outputs(model: nn.Module, spec: Spec) -> list[list[float]] | None:
    """The model's outputs for the patterns, for its card; None where it cannot read them or makes no numbers of them."""
    device = device_of(model)
    try:
        found = outputs(model, tuple(one.to(device) for one in patterns(spec))).double().cpu()
    except (RuntimeError, ValueError, IndexError, TypeError):  # a sequence of noise need not be one
        return None
    return found.tolist() if found.isfinite().all() else None


def weights_hash(model: nn.Module, file: Path) -> dict[str, str]:
    """For a card's figures: the hash of the model's weights file, by which the model is known again without being built; empty
    where some module is somebody else's code, of which xgaze's own hash says nothing."""
    own = all(type(one).__module__.startswith(OWN_CODE) for one in model.modules())
    return {WEIGHTS_HASH: file_hash(file)} if own else {}


def require_reproduced(
    model: nn.Module, spec: Spec, metrics: Mapping[str, Any], architecture: Mapping[str, Any]
) -> None:
    """Raises InputError where the model puts out something else than when its card was written.

    Other machines and other memory formats add up float32 numbers in another order, which moves outputs by about 1e-6 of the
    numbers they are made of, in deep nets 1e-5; 1e-3 of what the outputs span over the patterns, or 1e-4 of the largest, is
    above that, and below what any edit does that matters. Cards of older versions say nothing, and pass.
    """
    stored = metrics.get(OUTPUTS_OF_PATTERNS)
    if stored is None:
        return
    try:
        before = np.asarray(stored, np.float64).reshape(len(_CONTRASTS), spec.outputs)
    except (TypeError, ValueError):
        raise InputError(
            f"{OUTPUTS_OF_PATTERNS} of {name_of(architecture)} are not four rows of numbers: its card was edited."
        ) from None
    found = stored_outputs(model, spec)
    apart = np.inf if found is None or np.shape(found) != before.shape else float(np.abs(before - found).max())
    if not apart <= allowed(before):
        raise InputError(f"{name_of(architecture)} gives other outputs than when it was trained {_told(apart, spec)}")


def allowed(before: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """The difference that is no difference, for outputs (samples, outputs)."""
    return float(OF_SPREAD * np.ptp(before, axis=0).max() + OF_LARGEST * np.abs(before).max())


def name_of(architecture: Mapping[str, Any]) -> str:
    """As the recipe says it."""
    return str(architecture.get("import") or f"model '{architecture.get('name')}'")


def _told(apart: float, spec: Spec) -> str:
    unit = "in logits" if spec.kind == "class" else spec.unit
    far = f"up to {apart:.3g} {unit} apart" if np.isfinite(apart) else "or none at all"
    return f"({far}): the class, or what it uses, was edited. Train again with --force, or undo the edit."
