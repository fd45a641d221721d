"""The convolution that reproduces known maps best, in closed form."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from xgaze.compression.surgeries.proof import outputs_of

RIDGE = 1e-6


class Fit(NamedTuple):
    """Mean squares: what the fit predicts to lose, and what there was."""

    lost: float
    total: float


@torch.no_grad()
def fit_convolution(conv: nn.Conv2d, maps: Tensor, expected: Tensor) -> Fit:
    """Give `conv`, which has a bias, the weights in place with which it makes of `maps` what is nearest to `expected`."""
    patches = nn.functional.unfold(maps, conv.kernel_size, conv.dilation, conv.padding, conv.stride)  # type: ignore[arg-type]
    groups = patches.movedim(1, 2).flatten(0, 1).chunk(conv.groups, dim=1)
    wanted = expected.movedim(1, -1).flatten(0, -2).chunk(conv.groups, dim=1)
    lost, parts = 0.0, []
    for patch, own in zip(groups, wanted, strict=True):
        solution, left = _solved(torch.cat([patch, patch.new_ones(len(patch), 1)], 1), own.double())
        parts.append(solution)
        lost += left
    conv.weight.copy_(torch.cat([one[:-1].T for one in parts]).reshape(conv.weight.shape))
    assert conv.bias is not None
    conv.bias.copy_(torch.cat([one[-1] for one in parts]))
    return Fit(lost / expected.numel(), float(expected.double().square().mean()))


def _solved(x: Tensor, y: Tensor) -> tuple[Tensor, float]:
    """Weights of least squares, and the sum of squares that they leave."""
    gram, cross = _products(x, y)
    ridge = RIDGE * gram.trace() / len(gram) * torch.eye(len(gram), dtype=gram.dtype)
    solution = torch.linalg.solve(gram + ridge, cross)
    left = y.square().sum() - 2 * (solution * cross).sum() + (solution * (gram @ solution)).sum()
    return solution, float(left)


def _products(x: Tensor, y: Tensor, block: int = 65536) -> tuple[Tensor, Tensor]:
    """X'X and X'Y in double precision, block by block."""
    gram = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)
    cross = torch.zeros(x.shape[1], y.shape[1], dtype=torch.float64)
    for start in range(0, len(x), block):
        part = x[start : start + block].double()
        gram += part.T @ part
        cross += part.T @ y[start : start + block]
    return gram, cross


def read_by(model: nn.Module, layers: Sequence[nn.Module], inputs: Sequence[Tensor]) -> dict[nn.Module, Tensor]:
    """Layer -> everything that enters it in one forward, however often it is called."""
    seen: dict[nn.Module, list[Tensor]] = {layer: [] for layer in layers}
    handles = [one.register_forward_pre_hook(lambda module, read: seen[module].append(read[0])) for one in layers]
    try:
        outputs_of(model, *inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {layer: torch.cat(read) for layer, read in seen.items() if read}
