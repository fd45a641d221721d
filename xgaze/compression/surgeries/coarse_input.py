"""Halve the pictures before the first convolution: average 2x2 pixels, then a kernel half as large at half the stride.

The first convolution of an eye camera reads a smooth picture with a large kernel; on averaged pixels it costs a quarter. The
small kernel is the one that reproduces the old layer's output best, in closed form.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, TypeGuard

import torch
from torch import Tensor, nn

from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.least_squares import fit_convolution, read_by
from xgaze.compression.surgeries.proof import Proof, prove_predicted
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, evaluated

FACTOR = 2


@dataclass(frozen=True)
class CoarseInput:
    """The convolution at `layer` becomes `average` (FACTOR x FACTOR pixels) and `conv`, on the same grid of outputs."""

    layer: str
    kind: Literal["coarse_input"] = "coarse_input"

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined."""
        conv = self._conv(model)
        kernel = tuple(-(-side // FACTOR) for side in conv.kernel_size)
        stride = tuple(step // FACTOR for step in conv.stride)
        small = nn.Conv2d(conv.in_channels, conv.out_channels, kernel, stride)  # type: ignore[arg-type]
        pair = OrderedDict[str, nn.Module](average=nn.AvgPool2d(FACTOR), conv=small.to(conv.weight.device))
        model.set_submodule(self.layer, nn.Sequential(pair))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Fit the small kernel by least squares on the probe's pictures; what is lost must be what the fit predicts.
        Raises InputError, the model untouched, where it is not, or where the grid of outputs would change."""
        conv = self._conv(model)
        pictures = read_by(model, [conv], probe.inputs)[conv]
        expected = conv(pictures)
        with untouched_if_refused(model, self.layer):
            self.reshape(model)
            pair = model.get_submodule(self.layer)
            small = pair.get_submodule("conv")
            if pair(pictures[:1]).shape != expected[:1].shape:
                raise InputError(f"coarse input of '{self.layer}' refused: the grid of its outputs would change.")
            assert isinstance(small, nn.Conv2d)
            fit = fit_convolution(small, pair.get_submodule("average")(pictures), expected)
            lost = float((pair(pictures) - expected).double().square().mean())
            proof = prove_predicted(lost, fit.lost, fit.total, self.layer)
        return proof

    def _conv(self, model: FeatureHead) -> nn.Conv2d:
        conv = model.get_submodule(self.layer)
        if not _is_plain(conv):
            raise InputError(f"coarse input of '{self.layer}': expected a plain convolution without padding.")
        if not _can_be_halved(conv):
            raise InputError(f"coarse input of '{self.layer}': its stride {conv.stride} cannot be halved.")
        return conv


def plan_coarse_input(model: FeatureHead, probe: Probe) -> list[CoarseInput]:
    """One for every convolution that reads the model's inputs themselves and allows half the stride, in the order of reading."""
    inputs = {id(x) for x in probe.inputs}
    found: list[str] = []

    def look(name: str, read: tuple[Tensor, ...]) -> None:
        if id(read[0]) in inputs:
            found.append(name)

    handles = [
        module.register_forward_pre_hook(lambda _module, read, name=name: look(name, read))
        for name, module in model.named_modules()
        if _is_plain(module) and _can_be_halved(module)
    ]
    try:
        with torch.no_grad(), evaluated(model):
            model(*probe.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return [CoarseInput(name) for name in dict.fromkeys(found)]


def _is_plain(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    return (
        isinstance(module, nn.Conv2d) and module.groups == 1 and module.padding == (0, 0) and module.dilation == (1, 1)
    )


def _can_be_halved(conv: nn.Conv2d) -> bool:
    return all(step % FACTOR == 0 for step in conv.stride)


SURGERY = SurgeryKind("coarse_input", CoarseInput)
