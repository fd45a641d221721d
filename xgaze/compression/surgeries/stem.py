"""Small maps: the first convolutions read averaged pictures at their old stride, so that every map after them shrinks too.

Time goes with the size of the second layer's maps. `coarse_input` keeps that size; this does not. Two things are proved: on
pictures of even squares the new convolution is the old one at a stride `factor` times as large; and the head's first layer on
the small maps is the old one on the small maps enlarged. What a coarser grid loses is for the judge.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xgaze.compression.head import first_linear
from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.least_squares import read_by
from xgaze.compression.surgeries.proof import Proof, prove_equal
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, evaluated

FACTORS = (2, 3, 4)


@dataclass(frozen=True)
class Stem:
    """Each convolution of `layers` becomes `average` (factor x factor pixels) and `conv`, its stride kept. head: the head's first
    linear layer, "" where it reads as many numbers as before; maps: height and width of what it read and of what it reads."""

    layers: tuple[str, ...]
    factor: int = 2
    head: str = ""
    maps: tuple[int, int, int, int] = (1, 1, 1, 1)
    kind: Literal["stem"] = "stem"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))  # JSON knows lists only
        object.__setattr__(self, "maps", tuple(self.maps))

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined."""
        for path in self.layers:
            conv = _plain(model, path)
            pair = OrderedDict[str, nn.Module](average=nn.AvgPool2d(self.factor), conv=_small(conv, self.factor))
            model.set_submodule(path, nn.Sequential(pair))
        if self.head:
            linear, (channels, height, width) = self._reads(model), self._small_maps(model)
            smaller = nn.Linear(channels * height * width, linear.out_features, linear.bias is not None)
            model.set_submodule(self.head, smaller.to(linear.weight.device))
            model.feature_shape = (channels, height, width)

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Pool the kernels and resample the head's filters, in place. Raises InputError, the model untouched, where either is not
        what it should be or the layers no longer fit."""
        changed, shape = (*self.layers, *filter(None, [self.head])), model.feature_shape
        try:
            with untouched_if_refused(model, *changed):
                pairs = self._done(model, probe, ", ".join(changed))
                scales = [before.abs().max().clamp_min(1e-12) for before, _ in pairs]
                expected, found = (
                    torch.cat([(pair[side] / scale).flatten() for pair, scale in zip(pairs, scales, strict=True)])
                    for side in (0, 1)
                )
                return prove_equal(expected, found, ", ".join(changed))
        except BaseException:
            model.feature_shape = shape
            raise

    def _done(self, model: FeatureHead, probe: Probe, names: str) -> list[tuple[Tensor, Tensor]]:
        """Do it; for each layer, what it should say and what it says."""
        old = {path: _plain(model, path) for path in self.layers}
        linear = self._reads(model) if self.head else None
        shown = read_by(model, list(old.values()), probe.inputs)
        self.reshape(model)
        pairs = []
        for path, conv in old.items():
            new: Any = model.get_submodule(path)
            new.conv.weight.copy_(pooled(conv, self.factor))
            if conv.bias is not None:
                new.conv.bias.copy_(conv.bias)
            pairs.append(self._on_squares(conv, new, shown[conv]))
        features = self._features(model, probe, names)
        return pairs if linear is None else [*pairs, self._resampled(model, linear, features)]

    def _on_squares(self, conv: nn.Conv2d, pair: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """On pictures of even squares: the old convolution at a stride times the factor, and the new one, where both look."""
        squares = (
            F.avg_pool2d(pictures, self.factor).repeat_interleave(self.factor, -1).repeat_interleave(self.factor, -2)
        )
        coarse = [step * self.factor for step in conv.stride]
        before = F.conv2d(squares, conv.weight, conv.bias, coarse, conv.padding, groups=conv.groups)
        after = pair(squares)
        height, width = (min(before.shape[k], after.shape[k]) for k in (-2, -1))
        return before[..., :height, :width], after[..., :height, :width]

    def _features(self, model: FeatureHead, probe: Probe, names: str) -> Tensor:
        try:
            with evaluated(model):
                return model.features(*(x.clone() for x in probe.inputs))
        except RuntimeError as error:
            first = str(error).partition("\n")[0]
            raise InputError(f"surgery on {names} refused: maps of this size do not fit ({first}).") from None

    def _resampled(self, model: FeatureHead, linear: nn.Linear, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give the new layer the old filters as they act on enlarged maps; what both say of these features."""
        channels, height, width = self._small_maps(model)
        old_height, old_width = self.maps[:2]
        smaller = model.get_submodule(self.head)
        assert isinstance(smaller, nn.Linear)
        rows, columns = enlarging(height, old_height), enlarging(width, old_width)
        filters = linear.weight.unflatten(1, (channels, old_height, old_width))
        smaller.weight.copy_((rows.T @ filters @ columns).flatten(1))
        if linear.bias is not None:
            smaller.bias.copy_(linear.bias)
        enlarged = (rows @ features.unflatten(1, (channels, height, width)) @ columns.T).flatten(1)
        return linear(enlarged), smaller(features)

    def _reads(self, model: FeatureHead) -> nn.Linear:
        linear = model.get_submodule(self.head)
        area = self.maps[0] * self.maps[1]
        if not isinstance(linear, nn.Linear) or linear.in_features % area:
            raise InputError(f"stem: '{self.head}' is no linear layer on maps of {self.maps[0]}x{self.maps[1]}.")
        return linear

    def _small_maps(self, model: FeatureHead) -> tuple[int, int, int]:
        linear = model.get_submodule(self.head)
        channels = model.feature_shape[0] if model.feature_shape else 0
        height, width = self.maps[2:]
        if not isinstance(linear, nn.Linear) or linear.in_features not in (
            channels * height * width,
            channels * self.maps[0] * self.maps[1],
        ):
            raise InputError(f"stem: '{self.head}' does not read all maps of the features.")
        return channels, height, width


@torch.no_grad()
def plan_stem(model: FeatureHead, probe: Probe, factor: int = 2) -> Stem:
    """For all convolutions that read the pictures themselves. Raises InputError where none does, or where the head's first layer
    reads the maps in a way that cannot be followed."""
    layers = _first_convolutions(model, probe.inputs)
    if not layers:
        raise InputError("stem: no plain convolution reads the model's pictures themselves.")
    if any(min(conv.kernel_size) < factor for conv in layers.values()):
        raise InputError(
            f"stem: a kernel of '{next(iter(layers))}' or another first layer is smaller than {factor} pixels."
        )
    trial = _Trial(model, list(layers), factor, probe.inputs)
    if trial.same_width:
        return Stem(tuple(layers), factor)
    shape, path = model.feature_shape, first_linear(model)
    if shape is None or trial.small is None or trial.width != shape[0] * trial.small[0] * trial.small[1]:
        raise InputError(
            f"stem: '{path}' reads more than flattened maps of one size, so its filters cannot be resampled."
        )
    return Stem(tuple(layers), factor, path, (*shape[1:], *trial.small))


class _Trial:
    """What the features become: their width, and the size of the last maps of what was `feature_shape`."""

    def __init__(self, model: FeatureHead, layers: Sequence[str], factor: int, inputs: tuple[Tensor, ...]) -> None:
        one = tuple(x[:1] for x in inputs)
        before, width = _maps(model, one)
        with _put_back(model, *layers):
            Stem(tuple(layers), factor).reshape(model)
            try:
                after, self.width = _maps(model, one)
            except RuntimeError as error:
                first = str(error).partition("\n")[0]
                raise InputError(f"stem: the pictures are too small to be averaged ({first}).") from None
        self.same_width = width == self.width
        size = model.feature_shape[1:] if model.feature_shape else None
        last = [path for path, shape in before.items() if shape == size and path in after]
        self.small = after[last[-1]] if last else None


@contextmanager
def _put_back(model: nn.Module, *layers: str) -> Iterator[None]:
    """The modules at these paths stand there again afterwards."""
    originals = {path: model.get_submodule(path) for path in layers}
    try:
        yield
    finally:
        for path, module in originals.items():
            model.set_submodule(path, module)


def _maps(model: FeatureHead, inputs: tuple[Tensor, ...]) -> tuple[dict[str, tuple[int, int]], int]:
    """Height and width of what every layer without parts makes, in the order of computing; and the width of the features."""
    seen: dict[str, tuple[int, int]] = {}

    def keep(path: str, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4:
            seen.pop(path, None)
            seen[path] = (out.shape[2], out.shape[3])

    handles = [
        module.register_forward_hook(lambda _module, _read, out, path=path: keep(path, out))
        for path, module in model.named_modules()
        if not list(module.children())
    ]
    try:
        with evaluated(model):
            features = model.features(*(x.clone() for x in inputs))
    finally:
        for handle in handles:
            handle.remove()
    return seen, features.shape[1]


def _first_convolutions(model: FeatureHead, inputs: tuple[Tensor, ...]) -> dict[str, nn.Conv2d]:
    """Those that read the inputs themselves, in the order of reading."""
    given = {id(x) for x in inputs}
    names = {module: path for path, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    found: dict[str, nn.Conv2d] = {}

    def look(module: nn.Module, read: tuple[Tensor, ...]) -> None:
        if id(read[0]) in given and isinstance(module, nn.Conv2d):
            found[names[module]] = module

    handles = [module.register_forward_pre_hook(look) for module in names]
    try:
        with evaluated(model):
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {path: conv for path, conv in found.items() if _is_plain(conv)}


def _is_plain(conv: nn.Conv2d) -> bool:
    return conv.dilation == (1, 1) and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


def _plain(model: FeatureHead, path: str) -> nn.Conv2d:
    conv = model.get_submodule(path)
    if not isinstance(conv, nn.Conv2d) or not _is_plain(conv):
        raise InputError(f"stem: '{path}' is no plain convolution of pictures.")
    return conv


def _offset(padding: int, factor: int) -> int:
    """How many pixels further out than the old kernel the new one begins, since padding is of whole squares."""
    return -padding % factor


def _small(conv: Any, factor: int) -> nn.Conv2d:
    """The convolution of averages, weights undefined."""
    kernel = [
        -(-(side + _offset(padding, factor)) // factor)
        for side, padding in zip(conv.kernel_size, conv.padding, strict=True)
    ]
    padding = [-(-side // factor) for side in conv.padding]
    small: Any = nn.Conv2d
    made: nn.Conv2d = small(
        conv.in_channels,
        conv.out_channels,
        kernel,
        conv.stride,
        padding,
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    return made.to(conv.weight.device)


def pooled(conv: nn.Conv2d, factor: int) -> Tensor:
    """The kernel on averages of factor x factor pixels: the sums of its weights on each square."""
    top, left = (_offset(int(side), factor) for side in conv.padding)
    height, width = conv.kernel_size
    weight = F.pad(conv.weight, (left, -(width + left) % factor, top, -(height + top) % factor))
    return F.avg_pool2d(weight, factor) * factor**2


def enlarging(small: int, large: int) -> Tensor:
    """(large, small): linear interpolation of a row of `small` numbers to `large` places."""
    rows = F.interpolate(torch.eye(small)[None], large, mode="linear", align_corners=False)
    return rows[0].T


def _in_words(one: Stem) -> str:
    maps = f", maps of {one.maps[0]}x{one.maps[1]} now {one.maps[2]}x{one.maps[3]}" if one.head else ""
    return f"pictures averaged {one.factor}x{one.factor} at the old stride{maps}"


def _planned(model: FeatureHead, _layer: str, value: Any, probe: Probe) -> Stem:
    if value not in FACTORS:
        raise InputError(f"stem: pictures are averaged by {', '.join(map(str, FACTORS))}, not by {value}.")
    return plan_stem(model, probe, value)


SURGERY = SurgeryKind("stem", Stem, _in_words, values=FACTORS[:1], plan=_planned, on_towers=True, wiring=True)
