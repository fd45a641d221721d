"""One tower for several cameras: every filter sees the pictures of all, those of the other eye through a mirrored kernel.

Towers of equal structure keep their wiring; the layers of all but the first compute with the first's weights (Krafka et al. 2016
share the eyes' so). What is proved is the wiring: it equals the old one whose towers hold equal weights, mirrored where a camera
is. That one tower can do the work of several is for the judge.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xgaze.compression.channel_matching import matched_mean, state_of
from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.proof import Proof, prove_equal
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, evaluated
from xgaze.models.shared_layers import MIRRORABLE, Borrowed, ChannelShift, can_be_mirrored
from xgaze.models.towers import Tower, alike, find_towers, mirrored_inputs

LIMIT = 1e-6
Start = Literal["first", "mean", "fresh"]
Mirrors = Literal["declared", "measured", "none"]
Weights = Mapping[str, Mapping[str, Tensor]]
"""Layer -> its state."""


@dataclass(frozen=True)
class SharedTowers:
    """Each layer of `layers` computes with the weights of the one it names, mirrored if among `mirrored`; own "shift": and adds
    a number of its own to every channel. start: the weights of the first tower, the mean of all after their channels are matched,
    or fresh ones."""

    layers: dict[str, str]
    mirrored: tuple[str, ...] = ()
    own: Literal["none", "shift"] = "none"
    start: Start = "mean"
    kind: Literal["shared_towers"] = "shared_towers"

    def __post_init__(self) -> None:
        object.__setattr__(self, "mirrored", tuple(self.mirrored))  # JSON knows lists only

    def reshape(self, model: FeatureHead) -> None:
        """Structure only: what rebuilding a stored student needs."""
        for path, of in self.layers.items():
            owner, old = model.get_submodule(of), model.get_submodule(path)
            _require_alike(path, old, of, owner, path in self.mirrored)
            shift = ChannelShift(len(owner.weight)) if self._shifts(owner) else None  # type: ignore[arg-type]
            model.set_submodule(path, Borrowed(owner, path in self.mirrored, shift))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Share in place, and prove that the maps are those of the old wiring whose towers hold the weights it begins from.
        Raises InputError, the model untouched, naming the layers where they are not, or where layers are not alike."""
        for path, of in self.layers.items():
            _require_alike(path, model.get_submodule(path), of, model.get_submodule(of), path in self.mirrored)
        weights = self._begun(model, probe)
        before = _features(self._apart(model, weights), probe.inputs)
        names = f"{', '.join(self.layers)}"
        with untouched_if_refused(model, *self.layers, *weights):
            for of, state in weights.items():
                model.set_submodule(of, _holding(model.get_submodule(of), state))
            self.reshape(model)
            proof = prove_equal(before, _features(model, probe.inputs), names, LIMIT)
        return proof

    def towers(self) -> list[dict[str, str]]:
        """For every tower that borrows: the owner's layer -> its own, in the order of computing."""
        towers: list[dict[str, str]] = []
        for path, of in self.layers.items():
            if not towers or of in towers[-1]:
                towers.append({})
            towers[-1][of] = path
        return towers

    def _begun(self, model: FeatureHead, probe: Probe) -> Weights:
        """What the shared layers begin with."""
        owners = list(dict.fromkeys(self.layers.values()))
        if self.start == "mean":
            return matched_mean(model, self.towers(), self.mirrored, probe.inputs)
        if self.start == "fresh":
            return fresh_states(model, owners)
        return {of: state_of(model.get_submodule(of)) for of in owners}

    def _apart(self, model: FeatureHead, weights: Weights) -> FeatureHead:
        """A copy in the old wiring whose towers hold equal weights, mirrored where they are to be."""
        apart = copy.deepcopy(model)
        for of, state in weights.items():
            apart.get_submodule(of).load_state_dict(state)
        for path, of in self.layers.items():
            apart.get_submodule(path).load_state_dict(mirror(weights[of], path in self.mirrored))
        return apart

    def _shifts(self, owner: nn.Module) -> bool:
        return self.own == "shift" and isinstance(owner, MIRRORABLE)


def plan_shared_towers(
    model: FeatureHead,
    probe: Probe,
    start: Start = "mean",
    own: Literal["none", "shift"] = "none",
    mirrors: Mirrors = "declared",
) -> SharedTowers:
    """All towers that are alike, each group as one. mirrors: of cameras as the probe declares, else as measured; as measured in
    any case; or none. A tower with layers whose weights have no mirror image is never mirrored. Raises InputError naming the
    layers where no towers are alike."""
    flags = mirrored_inputs(probe.inputs, probe.mirrored if mirrors == "declared" else None)
    layers: dict[str, str] = {}
    mirrored: list[str] = []
    for first, *others in alike(find_towers(model, probe.inputs)):
        can = mirrors != "none" and all(can_be_mirrored(model.get_submodule(path)) for path in first.holding(model))
        for other in others:
            turned = can and flags[other.input] != flags[first.input]
            for path, of in _pairs(model, first, other):
                layers[path] = of
                if turned and isinstance(model.get_submodule(of), MIRRORABLE):
                    mirrored.append(path)
    if not layers:
        raise InputError("no towers to share: those that are alike hold no weights.")
    return SharedTowers(layers, tuple(mirrored), own, start)


def _pairs(model: nn.Module, first: Tower, other: Tower) -> list[tuple[str, str]]:
    return list(zip(other.holding(model), first.holding(model), strict=True))


def mirror(state: Mapping[str, Tensor], turned: bool) -> Mapping[str, Tensor]:
    """The state of a layer for mirrored pictures."""
    return {key: value.flip(-1) if turned and key == "weight" else value for key, value in state.items()}


def fresh_states(model: nn.Module, layers: Iterable[str], seed: int = 0) -> Weights:
    """Random weights as each layer itself draws them. Raises InputError naming one that does not say how its weights begin."""
    states = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for path in layers:
            layer: Any = copy.deepcopy(model.get_submodule(path))
            if not hasattr(layer, "reset_parameters"):
                kind = type(layer).__name__
                raise InputError(f"'{path}' cannot begin anew: {kind} has no reset_parameters(); start from the mean.")
            layer.reset_parameters()
            states[path] = state_of(layer)
    return states


def _holding(layer: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the layer with these numbers."""
    changed = copy.deepcopy(layer)
    changed.load_state_dict(state)
    return changed


def _features(model: FeatureHead, inputs: tuple[Tensor, ...]) -> Tensor:
    with evaluated(model):
        return model.features(*(x.clone() for x in inputs))


def _require_alike(path: str, layer: nn.Module, of: str, owner: nn.Module, turned: bool) -> None:
    """Raises InputError unless the owner computes what the layer does, but for their weights."""
    shapes = [{key: value.shape for key, value in one.state_dict().items()} for one in (layer, owner)]
    if repr(layer) != repr(owner) or shapes[0] != shapes[1]:
        raise InputError(f"shared towers refused: '{path}' is {layer!r}, '{of}' is {owner!r}.")
    if turned and not isinstance(owner, MIRRORABLE):
        raise InputError(f"shared towers refused: '{of}' is a {type(owner).__name__}, which has no mirror image.")


def _in_words(one: SharedTowers) -> str:
    towers, owners = one.towers(), len(dict.fromkeys(one.layers.values()))
    turned = sum(any(path in one.mirrored for path in tower.values()) for tower in towers)
    begun = {"first": "from the first", "mean": "from the mean", "fresh": "anew"}[one.start]
    said = f"{len(towers)} tower{'s' * (len(towers) > 1)} with another's {owners} layers"
    own = ", a shift per channel each" if one.own == "shift" else ""
    return f"{said}, {turned} mirrored{own}, begun {begun}"


def _where(one: SharedTowers) -> str:
    return f"{len(one.layers)} layers, by {', '.join(dict.fromkeys(one.layers.values()))}"


STARTS: Mapping[str, dict[str, Any]] = {
    "mean": {"start": "mean"},
    "first": {"start": "first"},
    "fresh": {"start": "fresh"},
    "fresh-measured": {"start": "fresh", "mirrors": "measured"},
    "fresh-unmirrored": {"start": "fresh", "mirrors": "none"},
    "fresh-shifts": {"start": "fresh", "own": "shift"},
}
"""What a search tries, by name."""


def _planned(model: FeatureHead, _layer: str, value: Any, probe: Probe) -> SharedTowers:
    if value not in STARTS:
        raise InputError(f"shared towers: no such start '{value}'; there are: {', '.join(STARTS)}.")
    return plan_shared_towers(model, probe, **STARTS[value])


SURGERY = SurgeryKind(
    "shared_towers",
    SharedTowers,
    _in_words,
    _where,
    values=("fresh", "mean", "fresh-unmirrored"),
    plan=_planned,
    on_towers=True,
    wiring=True,
    anew=lambda one: one.start == "fresh",
    order=2,  # what reads the pictures first is made before it is shared
)
