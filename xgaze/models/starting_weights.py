"""Starting from stored weights: a local file of torchvision's names, or a model that xgaze trained. Nothing is downloaded."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from xgaze.artifacts import read_stored
from xgaze.errors import InputError
from xgaze.models.architectures.fusion import KnowledgeFusion
from xgaze.models.architectures.resnet import ResNet
from xgaze.models.layers import FeatureHead

OWN_CLASSES = ("fc.", "head.")
TRUNK = "trunk."
UNCOUNTED = "num_batches_tracked"  # older files do not have it, and nothing reads it
SHOWN = 8


def start_from(model: FeatureHead, path: Path) -> None:
    """Load a file's weights into all of the model's trunks, in place; `fc` tells the file's own classes and stays fresh.

    Raises InputError listing every name that is missing, unknown or of another shape: then nothing is loaded.
    """
    if not isinstance(model, ResNet | KnowledgeFusion):
        raise InputError("model.weights: only resnet and kfn can start from stored weights.")
    stored = {
        name.removeprefix(TRUNK): value
        for name, value in read_weights(path).items()
        if not name.startswith(OWN_CLASSES)
    }
    for trunk in model.trunks():
        require_names(stored, trunk, path)
    for trunk in model.trunks():
        trunk.load_state_dict({**trunk.state_dict(), **stored})


def start_whole(model: FeatureHead, path: Path) -> None:
    """Load all weights of a network that was at hand, in place. Raises InputError unless they are the model's."""
    try:
        model.load_state_dict(read_weights(path))
    except RuntimeError as error:
        raise InputError(
            f"{path}: not the weights of this network ({(str(error).splitlines() or [''])[0][:120]})."
        ) from None


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name: .safetensors, or .pth read without running any code of it. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; give a local one as model.weights.")
    stored = read_stored(path, "weights", "Save a state dict, best as .safetensors.")
    if not isinstance(stored, Mapping) or not all(isinstance(value, Tensor) for value in stored.values()):
        raise InputError(f"{path}: holds more than tensors by name; save the model's state dict alone.")
    return dict(stored)


def require_names(
    stored: Mapping[str, Tensor],
    model: nn.Module,
    path: Path,
    remedy: str = "Check model.args depth and channels against the file.",
) -> None:
    """Raises InputError listing every name that is missing, unknown or of another shape."""
    own = model.state_dict()
    faults = [f"missing: {name}" for name in own if name not in stored and not name.endswith(UNCOUNTED)]
    faults += [f"unknown: {name}" for name in stored if name not in own]
    faults += [
        f"{name}: is {_shape(value)}, the model's is {_shape(own[name])}"
        for name, value in stored.items()
        if name in own and value.shape != own[name].shape
    ]
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise InputError(
            f"{path}: {len(faults)} weights do not fit the model: {'; '.join(faults[:SHOWN])}{more}. {remedy}"
        )


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "one number"
