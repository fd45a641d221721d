"""Kinds of surgeries by name: each a file of its own in this package, or registered from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xgaze.catalogue import Catalogue
from xgaze.compression.surgeries.base import Probe, Surgery, surgery_to_json
from xgaze.compression.surgeries.proof import Proof
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

Planning = Callable[[FeatureHead, str, Any, Probe], Surgery | None]
"""(student so far, path of its first FC layer, value tried, probe) -> what to do; None where there is nothing to do."""


def layers_of(surgery: Any) -> tuple[str, ...]:
    """Paths of the layers that it changes: its field `layers`, or `layer`, where it has one."""
    return tuple(surgery.layers) if hasattr(surgery, "layers") else tuple(filter(None, [getattr(surgery, "layer", "")]))


def where_layer(surgery: Any) -> str:
    """The layer or layers, for the table of surgeries."""
    return ", ".join(layers_of(surgery))


@dataclass(frozen=True)
class SurgeryKind:
    """stored: the frozen dataclass that a model card holds. words and where: a surgery's cells in the table of surgeries;
    words of None: its name.

    values: what a search tries of it beside its own plans, the name and value joined in a Plan's `others`. plan: the surgery for
    one of them. on_towers: whether it changes what the head reads, so that students are tuned end to end. wiring: it changes what
    reads what, and is done before any channel is cut, by `order`; a search tries its values together with those of other wirings.
    Else it is done last. anew: whether towers begin with random weights after it, and so the rest must too.
    """

    name: str
    stored: type[Any]
    words: Callable[[Any], str] | None = None
    where: Callable[[Any], str] = where_layer
    values: tuple[int | float | str, ...] = ()
    plan: Planning | None = None
    on_towers: bool = False
    wiring: bool = False
    order: int = 0
    anew: Callable[[Any], bool] = lambda _: False

    def planned(self, model: FeatureHead, layer: str, value: Any, probe: Probe) -> Surgery | None:
        """Raises InputError for a kind that no plan asks for by value."""
        if self.plan is None:
            raise InputError(f"surgery '{self.name}' is not asked for by a value.")
        return self.plan(model, layer, value, probe)

    def in_words(self, surgery: Any) -> str:
        return self.name.replace("_", " ") if self.words is None else self.words(surgery)


SURGERIES: Catalogue[SurgeryKind] = Catalogue("surgery", "xgaze.compression.surgeries", "SURGERY")


@dataclass(frozen=True)
class Step:
    """A surgery done, with its proof."""

    surgery: Surgery
    proof: Proof

    def to_json(self) -> dict[str, Any]:
        """As stored: settings, proof, and the surgery's cells in a table, which a page shows without knowing its kind."""
        kind = SURGERIES[self.surgery.kind]
        told = {"words": kind.in_words(self.surgery), "where": kind.where(self.surgery)}
        return {**surgery_to_json(self.surgery), "proof": self.proof.to_json(), **told}
