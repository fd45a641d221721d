"""The place where teacher and student can be compared: behind the linear layers that follow each other without a bend.

Folding joins two linear layers of the teacher into one of the student. So what the student's first layer puts out corresponds to
what the teacher's second one does: comparing first with first would call a perfectly folded student different.
"""

from dataclasses import replace

from torch import nn

from xgaze.capacity.codes import Codes
from xgaze.capacity.importance import tail_outputs
from xgaze.models.layers import SelectColumns, SeparableLinear

LINEAR = (nn.Linear, SeparableLinear, SelectColumns, nn.Identity, nn.Dropout)


def linear_end(model: nn.Module, path: str) -> str:
    """Path of the last of the linear modules that follow `path`, itself linear, in the sequence it is part of."""
    names = _followers(model, path)
    holding = [name for name in names if not isinstance(model.get_submodule(name), nn.Identity | nn.Dropout)]
    return holding[-1] if holding else path


def at_linear_end(model: nn.Module, path: str, codes: Codes) -> Codes:
    """Codes of `path` carried on to `linear_end`. The model is in evaluation mode and on the CPU."""
    steps = nn.Sequential(*(model.get_submodule(name) for name in _followers(model, path)))
    return replace(codes, embedding=tail_outputs(steps)(codes.embedding).astype(codes.embedding.dtype))


def _followers(model: nn.Module, path: str) -> list[str]:
    parent, _, own = path.rpartition(".")
    sequence = model.get_submodule(parent)
    if not isinstance(sequence, nn.Sequential):
        return []
    names = [name for name, _ in sequence.named_children()]
    found = []
    for name in names[names.index(own) + 1 :]:
        if not _is_linear(sequence.get_submodule(name)):
            break
        found.append(f"{parent}.{name}" if parent else name)
    return found


def _is_linear(module: nn.Module) -> bool:
    """Only what is known to be; a traced graph may call functions that bend."""
    if isinstance(module, nn.Sequential):
        return all(_is_linear(one) for one in module)
    return isinstance(module, LINEAR)
