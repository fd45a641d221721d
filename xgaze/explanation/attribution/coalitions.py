"""What a model says for every coalition of its inputs, without showing a tower the same picture again and again."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.models.layers import FeatureHead


def coalitions(players: int) -> NDArray[np.bool_]:
    """Who is present, in all 2^players coalitions: (2^players, players)."""
    present: NDArray[np.bool_] = (np.arange(2**players)[:, None] >> np.arange(players)) & 1 == 1
    return present


@torch.no_grad()
def coalition_outputs(model: nn.Module, inputs: Sequence[Tensor], baseline: Sequence[Tensor]) -> Tensor:
    """(samples x 2^inputs, outputs): the coalitions of a sample one after the other, the absent replaced by the baseline.

    Where every feature comes from one input alone, the towers see each picture once and only the head sees all coalitions.
    """
    present = torch.from_numpy(coalitions(len(inputs))).to(inputs[0].device)
    if isinstance(model, FeatureHead) and len(inputs) > 1:
        features = _joined_features(model, inputs, baseline, present)
        if features is not None:
            out: Tensor = model.head(features)
            return out
    batches = [
        torch.where(present[:, k].view(1, -1, *[1] * (one.dim() - 1)), one[:, None], absent[:, None]).flatten(0, 1)
        for k, (one, absent) in enumerate(zip(inputs, baseline, strict=True))
    ]
    whole: Tensor = model(*batches)
    return whole


def _joined_features(
    model: FeatureHead, inputs: Sequence[Tensor], baseline: Sequence[Tensor], present: Tensor
) -> Tensor | None:
    """Features of all coalitions (samples x coalitions, width), put together from those of each input; None where a feature
    mixes inputs. An input of NaN shows which features are its own, and one coalition is computed to see that this holds."""
    samples, count = len(inputs[0]), len(inputs)
    alternating = [one[:1] if k % 2 else absent for k, (one, absent) in enumerate(zip(inputs, baseline, strict=True))]
    rows = [
        torch.cat([one, absent, mixed, torch.full_like(absent, torch.nan).where(_nth(count, k, absent), absent)])
        for k, (one, absent, mixed) in enumerate(zip(inputs, baseline, alternating, strict=True))
    ]
    found = model.features(*rows)
    here, nothing, check, blind = found.split([samples, 1, 1, count])
    owned = blind.isnan()
    if (owned.sum(dim=0) > 1).any():
        return None
    shown = (present.to(found.dtype) @ owned.to(found.dtype)).bool()
    odd = torch.tensor([k % 2 == 1 for k in range(count)], device=found.device)
    expected = torch.where(owned[odd].any(dim=0), here[:1], nothing)
    if not torch.allclose(expected, check, rtol=1e-4, atol=1e-5):
        return None
    return torch.where(shown, here[:, None], nothing).flatten(0, 1)


def _nth(count: int, k: int, like: Tensor) -> Tensor:
    """(count, 1, ...): true in row k alone."""
    return (torch.arange(count, device=like.device) == k).view(-1, *[1] * (like.dim() - 1))
