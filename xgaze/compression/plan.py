"""What a student shall be, as data: widths of its towers, rank and terms of its first FC layer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from xgaze.compression.couplings.tracing import making_layers
from xgaze.compression.group_importance import OUTPUTS
from xgaze.compression.surgeries.surgery_kinds import SURGERIES
from xgaze.models.layers import FeatureHead

MULTIPLES = (4, 8, 16)
"""Of channels: by so many at once processors compute, from SSE to AVX-512."""


@dataclass(frozen=True)
class Plan:
    """share: of each convolution's channels kept (1: all), their number rounded up to a `multiple`. coarse: halve the pictures
    before the first convolutions. rank and terms: of the first FC layer (None: whole; whole filters), the rank also of further
    ones that are large. keep: paths of modules that are left as they are, with what is coupled to them; uncut: of layers whose
    own channels all stay, since they cannot be cut. others: further surgeries, each by name and the value asked of it; those of
    the wiring are done before channels are cut, the rest last. importance: by which of `IMPORTANCES` channels go. by_cost: layers
    keep other shares, all together as dear: see `width_allocation`."""

    share: float = 1.0
    coarse: bool = False
    rank: int | None = None
    terms: int | None = None
    multiple: int = MULTIPLES[0]
    keep: tuple[str, ...] = ()
    uncut: tuple[str, ...] = ()
    others: tuple[tuple[str, int | float | str], ...] = ()
    importance: str = OUTPUTS
    by_cost: bool = False

    @property
    def name(self) -> str:
        """Short, for folders; unique among the plans of a search, which agree on what is left as it is."""
        parts = {
            f"towers-{self.share:g}": self.share < 1,
            f"by-{self.multiple}": self.share < 1 and self.multiple != MULTIPLES[0],
            "by-cost": self.share < 1 and self.by_cost,
            "coarse": self.coarse,
            f"rank-{self.rank}": self.rank is not None,
            f"terms-{self.terms}": self.terms is not None,
            **{f"{name}-{value}": True for name, value in self.others},
        }
        return "_".join(part for part, said in parts.items() if said) or "whole"

    @property
    def in_words(self) -> str:
        """For people: "75 % of the channels, pictures halved, rank 6, separable filters with 1 term"."""
        parts = {
            f"{100 * self.share:g} % of the channels": self.share < 1,
            f"{len(self.uncut)} layer{'' if len(self.uncut) == 1 else 's'} uncut": self.share < 1 and bool(self.uncut),
            f"in multiples of {self.multiple}": self.share < 1 and self.multiple != MULTIPLES[0],
            "widths by what they cost": self.share < 1 and self.by_cost,
            "pictures halved": self.coarse,
            f"rank {self.rank}": self.rank is not None,
            f"separable filters with {self.terms} term{'' if self.terms == 1 else 's'}": self.terms is not None,
            **{f"{name.replace('_', ' ')} {value}": True for name, value in self.others},
        }
        return ", ".join(part for part, said in parts.items() if said) or "the whole model"

    @property
    def wiring(self) -> tuple[tuple[str, int | float | str], ...]:
        """Those of `others` that are done first."""
        return tuple((name, value) for name, value in self.others if SURGERIES[name].wiring)

    @property
    def keeps_towers(self) -> bool:
        """Whether the towers stay as they are, so that embeddings collected once serve."""
        return self.share == 1 and not self.coarse and not any(SURGERIES[name].on_towers for name, _ in self.others)


def widths_of(model: FeatureHead, share: float, multiple: int = MULTIPLES[0]) -> Mapping[str, int]:
    """Channels to keep of every convolution: the share, rounded up to the multiple, since odd counts save no time."""
    widths = {}
    for name in making_layers(model, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        have = len(model.get_submodule(name).weight)  # type: ignore[arg-type]
        wanted = math.ceil(round(share * have / multiple, 6)) * multiple
        widths[name] = min(have, max(multiple, wanted))
    return widths
