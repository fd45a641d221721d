"""A network that is at hand in Python, as a recipe says it: its graph, and a file of the weights it starts with."""

import copy
import hashlib
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from xgaze.artifacts import write_weights
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.call_forms import Call, as_called
from xgaze.models.own_networks.fidelity import real_batches, synthetic_batches
from xgaze.models.own_networks.imported import AS_IT_IS, build_stored, called, parted_module, require_same
from xgaze.models.own_networks.stored_graph import graph_of


def model_at_hand(net: nn.Module, recording: Recording, folder: Path, call: Call = AS_IT_IS) -> dict[str, Any]:
    """The model section of `net`, which stays as it is; its weights are written into `folder`, and training starts from them.
    Raises InputError as `rebuilt_from_graph` does."""
    section, rebuilt = rebuilt_from_graph(net, recording, call=call)
    weights = rebuilt.state_dict()
    file = folder / f"start-{weights_digest(weights)}.safetensors"
    if not file.is_file():
        write_weights(file, weights)
    return {**section, "weights": str(file)}


def rebuilt_from_graph(
    net: nn.Module, recording: Recording, name: str = "", call: Call = AS_IT_IS
) -> tuple[dict[str, Any], FeatureHead]:
    """The name (of its class, unless given) and graph of `net`, and what is rebuilt from them, with its weights; `net` stays.
    call: how its forward is called, where that cannot be told.

    The graph rebuilt is on real samples what `net` is. Raises InputError where it is not, and where a network holds what no
    stored graph can: it is then to be named by its class.
    """
    name, own = name or type(net).__name__, copy.deepcopy(net).cpu().float()
    own = as_called(called(name), own, recording.spec, call)
    parted = parted_module(name, own, recording.spec)
    try:
        graph = graph_of(own, synthetic_batches(recording.spec)[0])
    except InputError as error:
        raise InputError(
            f"network '{name}': {str(error).removesuffix('.')}, so rebuilding it needs its class: put the class into a file of "
            f'its own and give its name instead, as "mynetworks:{name}".'
        ) from None
    rebuilt = build_stored(name, graph, recording.spec)
    rebuilt.load_state_dict(parted.state_dict())
    require_same(name, own, rebuilt, real_batches(recording))
    return {"name": name, "graph": graph}, rebuilt.eval()


def weights_digest(weights: dict[str, Tensor]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of all tensors with their names."""
    digest = hashlib.sha256()
    for name, one in weights.items():
        digest.update(f"{name} {tuple(one.shape)} {one.dtype}".encode())
        digest.update(one.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
