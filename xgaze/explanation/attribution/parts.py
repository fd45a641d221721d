"""Which inputs of a sample an attribution moves, and which of their rows are real.

Lengths, masks and transitions say how the other inputs are to be read: a path from "no fixations" to eight passes through no
scanpath that exists. They are held at the sample's own. Padding and cells that were never visited are no part of the sample.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.data.fixations.scanpath_inputs import EDGES, LENGTH, NODES, SEQUENCE, VISITED

HELD = (LENGTH, EDGES, VISITED)


@dataclass(frozen=True)
class Parts:
    """Of one sample, by place among the model's inputs. held: inputs that stay as they are; all others are moved. missing: inputs
    that the sample lacks: their baseline is what stands for them, and nothing is attributed to them.

    rows: by place among the moved inputs, bool (rows,): which rows of an input (rows, features) are real. Others are whole.
    """

    held: tuple[int, ...] = ()
    rows: Mapping[int, Tensor] = field(default_factory=dict)
    missing: tuple[int, ...] = ()

    @property
    def nothing(self) -> tuple[int, ...]:
        """Places among the moved inputs of those that the sample lacks."""
        return tuple(k - sum(held < k for held in self.held) for k in self.missing if k not in self.held)

    def moved(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Those of all inputs that are moved."""
        return tuple(one for k, one in enumerate(inputs) if k not in self.held)

    def model(self, model: nn.Module, inputs: Sequence[Tensor]) -> nn.Module:
        """The model as a function of the moved inputs alone."""
        return Holding(model, self, inputs) if self.held else model

    def together(self, moved: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
        """All inputs (n, ...) from the moved ones (n, ...) and, where they are held, the sample's own (1, ...)."""
        rest, count = iter(moved), len(moved[0])
        return [own.expand(count, *own.shape[1:]) if k in self.held else next(rest) for k, own in enumerate(inputs)]

    def real(self, place: int, values: Tensor) -> Tensor:
        """values (rows, ...) of the moved input at `place` among the moved ones, without rows that are not real."""
        rows = self.rows.get(place)
        return values if rows is None else values[rows.to(values.device)]

    def whole(self, place: int, mask: Tensor, shape: Sequence[int]) -> Tensor:
        """A mask (variants, ...) of what `real` gives -> (variants, *shape), False elsewhere; a picture's (variants, height,
        width) holds for all its channels."""
        rows = self.rows.get(place)
        if rows is not None:
            filled = torch.zeros(len(mask), *shape, dtype=torch.bool)
            filled[:, rows] = mask
            return filled
        return mask[:, None] if mask.dim() == len(shape) else mask


WHOLE = Parts()


class Holding(nn.Module):
    """A model some of whose inputs are held: moved inputs (n, ...) -> outputs (n, ...). inputs: all of one sample, (1, ...)."""

    def __init__(self, model: nn.Module, parts: Parts, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.model, self.parts, self.inputs = model, parts, tuple(inputs)

    def forward(self, *moved: Tensor) -> Tensor:
        out: Tensor = self.model(*self.parts.together(moved, self.inputs))
        return out


def is_picture(one: InputSpec) -> bool:
    return len(one.shape) == 3


def _is_held(one: InputSpec) -> bool:
    return one.name in HELD and not is_picture(one)


def only_pictures(spec: Spec) -> bool:
    return all(is_picture(one) for one in spec.inputs)


def moved_names(spec: Spec) -> list[str]:
    """Names of the inputs that attributions are of."""
    return [one.name for one in spec.inputs if not _is_held(one)]


def parts_of(spec: Spec, inputs: Sequence[Tensor], missing: Collection[str] = ()) -> Parts:
    """inputs: one sample as the model reads it, (1, ...) each. missing: names of those that it lacks."""
    own = {one.name: values[0].cpu() for one, values in zip(spec.inputs, inputs, strict=True)}
    moved, rows = moved_names(spec), {}
    if SEQUENCE in moved and LENGTH in own:
        rows[moved.index(SEQUENCE)] = torch.arange(len(own[SEQUENCE])) < own[LENGTH].flatten()[0]
    if NODES in moved and VISITED in own:
        rows[moved.index(NODES)] = own[VISITED] > 0.5
    lacking = tuple(k for k, one in enumerate(spec.inputs) if one.name in missing)
    return Parts(tuple(k for k, one in enumerate(spec.inputs) if _is_held(one)), rows, lacking)


def baseline_of(parts: Parts, inputs: Sequence[Tensor], reference: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What a sample is compared with: `reference`, but its own where an input is held, or missing."""
    same = {*parts.held, *parts.missing}
    return tuple(own if k in same else there for k, (own, there) in enumerate(zip(inputs, reference, strict=True)))


def baseline_words(spec: Spec) -> str:
    """The baseline in words."""
    words = ["mean training image"] if any(is_picture(one) for one in spec.inputs) else []
    names = {one.name for one in spec.inputs}
    if SEQUENCE in names:
        words.append("mean training fixation at every step")
    if NODES in names:
        words.append("same graph with nothing said about its cells")
    if any(len(one.shape) == 1 and not _is_held(one) for one in spec.inputs):
        words.append("mean training numbers")
    return " and the ".join(words) or "zero input"
