"""A large kernel as several thin ones: depthwise and pointwise, a column and a row, or between fewer channels (Tucker-2).

The first ones are the leading singular vectors of the old kernel; the last is fitted in closed form to what the layer said of
real maps. What that loses must be what the fit predicts.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.least_squares import fit_convolution, read_by
from xgaze.compression.surgeries.proof import Proof, prove_predicted
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

Form = Literal["depthwise", "rows", "tucker"]
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "depthwise": "one filter per channel, then a sum of channels",
        "rows": "columns, then rows",
        "tucker": "fewer channels before and after",
    }
)
SAVES, FEWEST = 0.75, 4
"""A layer is factored where this share of its numbers, at most, is left, and where each output sees so many channels."""


@dataclass(frozen=True)
class FactoredConv:
    """Each convolution of `layers` becomes a sequence of thinner ones of this form."""

    layers: tuple[str, ...]
    form: Form = "depthwise"
    kind: Literal["factored_conv"] = "factored_conv"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))  # JSON knows lists only

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined."""
        for path in self.layers:
            conv = _plain(model, path, self.form)
            model.set_submodule(path, factored(conv, self.form).to(conv.weight.device).train(conv.training))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Factor in place. Raises InputError, the model untouched, where a layer loses another share of its variance than the fit
        predicts."""
        old = {path: _plain(model, path, self.form) for path in self.layers}
        read = read_by(model, list(old.values()), probe.inputs)
        with untouched_if_refused(model, *self.layers):
            self.reshape(model)
            proofs = [_fitted(model, path, conv, self.form, read[conv]) for path, conv in old.items()]
        return max(proofs, key=lambda one: one.value)


def _fitted(model: FeatureHead, path: str, conv: nn.Conv2d, form: Form, maps: Tensor) -> Proof:
    """Give the new layer at `path` its weights."""
    *first, last = model.get_submodule(path).children()
    for layer, weight in zip(first, leading(conv, form), strict=True):
        layer.weight.copy_(weight)  # type: ignore[operator]
    expected, between = conv(maps), maps
    for layer in first:
        between = layer(between)
    assert isinstance(last, nn.Conv2d)
    fit = fit_convolution(last, between, expected)
    lost = float((last(between) - expected).double().square().mean())
    return prove_predicted(lost, fit.lost, fit.total, path)


def factored(conv: Any, form: Form) -> nn.Sequential:
    """Of the same stride, padding and dilation; the last layer alone has a bias."""
    make: Any = nn.Conv2d
    inputs, outputs, where = conv.in_channels, conv.out_channels, _placing(conv)
    if form == "depthwise":
        depth = make(inputs, inputs, conv.kernel_size, groups=inputs, bias=False, **where)
        layers = OrderedDict(depth=depth, point=make(inputs, outputs, 1, groups=conv.groups))
    elif form == "rows":
        height, width = conv.kernel_size
        (down, across), rank = (_placing(conv, axis) for axis in (0, 1)), _half(outputs)
        column = make(inputs, rank, (height, 1), bias=False, **down)
        layers = OrderedDict(column=column, row=make(rank, outputs, (1, width), **across))
    else:
        fewer, made = _half(inputs), _half(outputs)
        reduce, core = make(inputs, fewer, 1, bias=False), make(fewer, made, conv.kernel_size, bias=False, **where)
        layers = OrderedDict(reduce=reduce, core=core, expand=make(made, outputs, 1))
    return nn.Sequential(layers)


def leading(conv: nn.Conv2d, form: Form) -> list[Tensor]:
    """Weights of all new layers but the last, from the kernel's leading singular vectors."""
    weight = conv.weight
    outputs, inputs, height, width = weight.shape
    if form == "depthwise":
        each = (
            weight.unflatten(0, (conv.groups, -1)).movedim(1, 2).flatten(0, 1)
        )  # (channels read, outputs, rows, columns)
        filters = torch.linalg.svd(each.flatten(2).double())[2][:, 0]
        return [filters.to(weight).unflatten(1, (1, height, width))]
    if form == "rows":
        columns = weight.permute(1, 2, 0, 3).reshape(inputs * height, outputs * width)
        rank = _half(outputs)
        left = torch.linalg.svd(columns.double(), full_matrices=False)[0][:, :rank].T.to(weight)
        return [left.reshape(-1, inputs, height, 1)]
    read = torch.linalg.svd(weight.movedim(1, 0).flatten(1).double(), full_matrices=False)[0][:, : _half(inputs)]
    made = torch.linalg.svd(weight.flatten(1).double(), full_matrices=False)[0][:, : _half(outputs)]
    core = torch.einsum("oiyx,if,om->mfyx", weight.double(), read, made)
    return [read.T.to(weight)[:, :, None, None], core.to(weight)]


def _half(channels: int) -> int:
    return max(1, channels // 2)


def _placing(conv: Any, axis: int | None = None) -> dict[str, tuple[int, int]]:
    """Stride, padding and dilation; along one axis only where it is named."""
    found = {}
    for name, nothing in (("stride", 1), ("padding", 0), ("dilation", 1)):
        down, across = getattr(conv, name)
        found[name] = (down if axis in (None, 0) else nothing, across if axis in (None, 1) else nothing)
    return found


def plan_factored_conv(model: FeatureHead, form: Form = "depthwise") -> FactoredConv:
    """For every convolution that has this form and is smaller in it. Raises InputError where none is."""
    found = [path for path, layer in model.named_modules() if _has(layer, form) and _saves(layer, form)]
    if not found:
        raise InputError(f"factored conv: no convolution of this model is smaller as {form} ({FORMS[form]}).")
    return FactoredConv(tuple(found), form)


def _has(layer: nn.Module, form: Form) -> bool:
    """Whether a layer can be written so: a plain kernel larger than 1 x 1, of undivided channels unless depthwise."""
    if type(layer) is not nn.Conv2d or isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        return False
    wide = min(layer.kernel_size) > 1 if form == "rows" else max(layer.kernel_size) > 1
    return wide and (layer.groups == 1 or (form == "depthwise" and layer.in_channels > layer.groups))


def _saves(layer: Any, form: Form) -> bool:
    """One filter for each of few channels would lose most of what the layer sees."""
    left = sum(one.numel() for name, one in factored(layer, form).named_parameters() if name.endswith("weight"))
    return bool(layer.in_channels >= FEWEST * layer.groups and left <= SAVES * layer.weight.numel())


def _plain(model: FeatureHead, path: str, form: Form) -> nn.Conv2d:
    layer = model.get_submodule(path)
    if not _has(layer, form):
        raise InputError(f"factored conv: '{path}' is {layer!r}, which cannot be written as {form}.")
    assert isinstance(layer, nn.Conv2d)
    return layer


def _in_words(one: FactoredConv) -> str:
    return f"{len(one.layers)} kernel{'s' * (len(one.layers) > 1)} as {one.form}: {FORMS[one.form]}"


def _planned(model: FeatureHead, _layer: str, value: Any, _probe: Probe) -> FactoredConv:
    if value not in FORMS:
        raise InputError(f"factored conv: no such form '{value}'; there are: {', '.join(FORMS)}.")
    return plan_factored_conv(model, value)


SURGERY = SurgeryKind(
    "factored_conv",
    FactoredConv,
    _in_words,
    values=("depthwise",),
    plan=_planned,
    on_towers=True,
    wiring=True,
    order=1,  # what stands at the pictures is made before, and what is shared after
)
