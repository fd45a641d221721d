"""A network that was trained elsewhere: its weights as others store them, put into its class or a registered architecture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xgaze.artifacts import read_stored
from xgaze.data.contract import Recording, Spec
from xgaze.errors import InputError
from xgaze.models.architecture import ARCHITECTURES, Layout
from xgaze.models.architectures.prediction import exact_scale
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.call_forms import Call
from xgaze.models.own_networks.fidelity import real_batches
from xgaze.models.own_networks.imported import own_and_parted, require_same
from xgaze.models.published_names import in_own_names
from xgaze.models.registry import build
from xgaze.models.starting_weights import UNCOUNTED, require_names

HOLDERS = ("state_dict", "model", "model_state", "model_state_dict", "net", "weights")
"""Keys under which training scripts store the weights beside what else they keep."""
SAVE_ALONE = (
    'Open it where it was trained and store the weights alone: torch.save(net.state_dict(), "weights.pth"), or '
    'safetensors.torch.save_file(net.state_dict(), "weights.safetensors").'
)
OTHER_NETWORK = "Check the class and its --arg against the file."


def adopted_network(section: Mapping[str, Any], file: Path, recording: Recording) -> FeatureHead:
    """The network of {"name" or "import", "args"} with the weights in `file`, as features and head.

    Raises InputError where the file is no file of weights or of another network, and where the network is not what its own class
    is on real samples.
    """
    stored = weights_in(file)

    args = dict(section.get("args", {}))
    if "import" not in section:
        model = build(section["name"], args, recording.spec)
        put_into(model, stored, file, recording.spec, ARCHITECTURES[section["name"]].layouts)
        return model.eval()

    def load(model: nn.Module) -> None:
        put_into(model, stored, file, recording.spec)

    own, parted = own_and_parted(section["import"], args, recording.spec, load=load, call=Call.of(section))
    require_same(section["import"], own, parted, real_batches(recording))
    return parted.eval()


def weights_in(file: Path) -> dict[str, Tensor]:
    """Tensors by name, wherever in the file they lie; no code of it runs. Raises InputError."""
    if not file.is_file():
        raise InputError(f"{file}: no such file of weights.")
    stored = read_stored(file, "weights", SAVE_ALONE)
    held = next((stored[key] for key in HOLDERS if isinstance(stored, Mapping) and _weights(stored.get(key))), stored)
    if not _weights(held):
        keys = f" ({', '.join(map(str, list(held)[:8]))})" if isinstance(held, Mapping) else ""
        raise InputError(f"{file}: holds no weights by name{keys}. {SAVE_ALONE}")
    bad = [name for name, one in held.items() if one.is_floating_point() and not bool(torch.isfinite(one).all())]
    if bad:
        raise InputError(
            f"{file}: {len(bad)} weights hold what is no number, the first is {bad[0]}: its training diverged."
        )
    return dict(held)


def put_into(
    model: nn.Module, stored: Mapping[str, Tensor], file: Path, spec: Spec, layouts: Sequence[Layout] = ()
) -> None:
    """Load weights, without what wrappers put before their names, or by those that published files have. Raises InputError
    listing all that do not fit, and where a published network's unit does not become the recording's; then nothing is loaded."""
    own = model.state_dict()
    named, layout = in_own_names(stored, own, layouts)
    whole = all(name in named or name.endswith(UNCOUNTED) for name in own)  # else it is the file of another network
    scale = _scale(layout.unit, file, spec) if whole else 1.0
    require_names(named, model, file, OTHER_NETWORK)
    if layout.scaled:
        named |= {name: scale * one for name, one in named.items() if name.startswith(layout.scaled)}
    model.load_state_dict({**{name: own[name] for name in own if name.endswith(UNCOUNTED)}, **named})


def _scale(told: str, file: Path, spec: Spec) -> float:
    """What published outputs in the unit `told` are multiplied by to be the recording's. Raises InputError where nothing does."""
    scale = exact_scale(spec, told) if told else 1.0
    if scale is None:
        wanted = "classes" if spec.kind == "class" else f"{spec.kind} in {spec.unit}"
        raise InputError(
            f"{file}: this published network tells {told}; the recording's target is {wanted}, and no number makes one of the "
            f"other. Convert the recording's labels to {told}, or train the network on it (xgaze train-teacher)."
        )
    return scale


def _weights(held: Any) -> bool:
    return (
        isinstance(held, Mapping)
        and bool(held)
        and all(isinstance(name, str) and isinstance(one, Tensor) for name, one in held.items())
    )
