"""What layers put out: feature maps of one sample, and how active each layer is on average."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, collate
from xgaze.errors import InputError, nearest
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.progress import Advance


@dataclass(frozen=True)
class Activation:
    """Of a layer over many samples. shape: of its output, without the batch. mean, mean_absolute: of all its values;
    silent_share: of values that are exactly zero; dead_channels: how many of `channels` are zero on all samples.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    mean_absolute: float
    silent_share: float
    channels: int
    dead_channels: int


def layer_names(model: nn.Module, wanted: Sequence[str] = ()) -> list[str]:
    """`wanted`, or all layers that hold no other. Raises InputError for one that is not there."""
    modules = {name: module for name, module in model.named_modules() if name}
    for name in wanted:
        if name not in modules:
            raise InputError(f"the model has no layer '{name}'; {nearest(name, modules)}")
    return list(wanted) or [name for name, module in modules.items() if not list(module.children())]


@torch.inference_mode()
def mean_activations(
    model: nn.Module,
    recording: Recording,
    rows: NDArray[np.int64],
    layers: Sequence[str],
    advance: Advance | None = None,
) -> list[Activation]:
    """One per layer, in order, over `rows`; what puts out no tensor, or does not run, is left out."""
    twin, done = analysis_copy(model), 0
    sums: dict[str, Tensor] = {}  # per layer: sum, sum of absolute values, zeros, values; by channel
    shapes: dict[str, tuple[int, ...]] = {}
    with watched(twin, layers) as seen:
        for batch in ordered_batches(recording, rows):
            twin(*on_device(twin, batch.inputs))
            for name, output in seen.items():
                values = output.transpose(0, 1).flatten(1).double() if output.dim() > 1 else output[None].double()
                told = torch.stack(
                    [
                        values.sum(1),
                        values.abs().sum(1),
                        (values == 0).sum(1),
                        values.new_tensor(values.shape[1]).expand(len(values)),
                    ]
                )
                sums[name] = sums[name] + told if name in sums else told
                shapes[name] = tuple(output.shape[1:])
            seen.clear()
            done += len(batch.ids)
            if advance:
                advance(done, len(rows))
    kinds = dict(twin.named_modules())
    return [_activation(name, type(kinds[name]).__name__, shapes[name], sums[name]) for name in layers if name in sums]


@torch.inference_mode()
def feature_maps(
    model: nn.Module, recording: Recording, row: int, layers: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Output of every layer for one sample, without the batch: (channels, H, W) of a convolution."""
    twin = analysis_copy(model)
    with watched(twin, layers) as seen:
        twin(*on_device(twin, collate([recording[row]], recording.spec).inputs))
    return {name: seen[name][0].cpu().numpy().astype(np.float32) for name in layers if name in seen}


@contextmanager
def watched(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Fills with the latest output of each layer at every forward."""
    seen: dict[str, Tensor] = {}
    modules = dict(model.named_modules())

    def keep(name: str) -> object:
        def hook(_module: nn.Module, _given: object, output: object) -> None:
            if isinstance(output, Tensor):
                seen[name] = output.detach()

        return hook

    handles = [modules[name].register_forward_hook(keep(name)) for name in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _activation(name: str, kind: str, shape: tuple[int, ...], sums: Tensor) -> Activation:
    total, absolute, zeros, count = sums
    values = float(count.sum())
    return Activation(
        name,
        kind,
        shape,
        float(total.sum()) / values,
        float(absolute.sum()) / values,
        float(zeros.sum()) / values,
        len(total),
        int((absolute == 0).sum()),
    )
