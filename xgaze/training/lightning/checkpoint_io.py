"""Training state without pickles: Lightning's checkpoint as one safetensors file, its structure as JSON beside the tensors."""

import json
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import safe_open

from xgaze.artifacts import write_weights
from xgaze.errors import InputError

STRUCTURE = "structure"


class SafetensorsCheckpointIO(CheckpointIO):
    """Lets Lightning save and resume through safetensors; a file is whole or absent."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:  # noqa: ARG002
        tensors: dict[str, torch.Tensor] = {}
        structure = json.dumps(_pack(checkpoint, tensors))
        write_weights(Path(path), tensors, {STRUCTURE: structure})

    def load_checkpoint(
        self,
        path: Any,
        map_location: Any | None = None,  # noqa: ARG002
        weights_only: bool | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        try:
            with safe_open(path, framework="pt") as file:
                structure = json.loads(file.metadata()[STRUCTURE])
                unpacked: dict[str, Any] = _unpack(structure, lambda name: _numbers(file.get_tensor(name)))
                return unpacked
        except Exception as error:
            raise InputError(f"{path}: damaged training state ({error}).") from None

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def _numbers(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor. Raises ValueError where it holds what is no number: a training would have stopped before it stored any."""
    if tensor.is_floating_point() and tensor.isnan().any():
        raise ValueError("it holds what is no number")
    return tensor


def _pack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Replace tensors by their names, and mappings and sequences by tagged lists, since JSON keys are only strings."""
    if isinstance(value, torch.Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[_pack(k, tensors), _pack(v, tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_pack(item, tensors) for item in value]}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"training state holds a {type(value).__name__}, which is neither a tensor nor JSON")


def _unpack(value: Any, tensor: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "tensor":
        return tensor(content)
    if tag == "dict":
        return {_unpack(k, tensor): _unpack(v, tensor) for k, v in content}
    items = [_unpack(item, tensor) for item in content]
    return tuple(items) if tag == "tuple" else items
