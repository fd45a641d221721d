"""What an ONNX file says of itself: its nodes, its inputs beside those of a recording, and which of its outputs is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import inliner, numpy_helper

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Constant, Shape

UNKNOWN = "?"


@dataclass(frozen=True)
class OnnxGraph:
    """nodes: those that `output` needs, in order. inputs: names in the order in which a recording has them, with shapes less the
    batch. fixed: how many samples the file takes at a time, None for any number. opset: the version of its operations."""

    nodes: Sequence[Any]
    constants: Mapping[str, Constant]
    inputs: Mapping[str, Shape]
    output: str
    fixed: int | None
    opset: int


def graph_in(file: Path, inputs: Mapping[str, Shape], outputs: int, output: str | int | None) -> OnnxGraph:
    """inputs: names and shapes of a recording's. outputs: how many numbers an output has for a sample. output: name or place of
    the one that is meant, None where only one can be. Raises InputError."""
    model = _model_in(file)
    graph = model.graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    told = [one for one in graph.input if one.name not in constants]
    first = told[0].type.tensor_type.shape.dim if told else []
    meant = _output_meant(file, graph.output, outputs, output)
    (opset, *_) = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")] or [1]
    return OnnxGraph(
        _needed(graph.node, meant),
        constants,
        _paired(file, told, inputs),
        meant,
        first[0].dim_value or None if len(first) else None,
        opset,
    )


def _model_in(file: Path) -> Any:
    if not file.is_file():
        raise InputError(f"{file}: no such file.")
    try:
        return onnx.shape_inference.infer_shapes(inliner.inline_local_functions(onnx.load(file)))
    except Exception as error:  # what a damaged file raises is of a dozen types
        raise InputError(f"{file}: not readable as ONNX ({str(error).partition(chr(10))[0][:120]}).") from None


def branches(node: Any) -> dict[str, Any]:
    """Graphs within a node, by the name of its attribute."""
    return {one.name: one.g for one in node.attribute if one.HasField("g")}


def _needed(nodes: Sequence[Any], output: str) -> list[Any]:
    wanted, found = {output}, list[Any]()
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= {name for one in _with_inner(node) for name in one.input}
            found.append(node)
    return found[::-1]


def _with_inner(node: Any) -> list[Any]:
    return [node, *(one for graph in branches(node).values() for inner in graph.node for one in _with_inner(inner))]


def _sizes(told: Any) -> list[int | str]:
    """Of an input or output: numbers, names of sizes that are free, "?" for what is not said."""
    return [one.dim_value or one.dim_param or UNKNOWN for one in told.type.tensor_type.shape.dim]


def _in_words(told: Any) -> str:
    known = told.type.tensor_type.HasField("shape")
    return f"{told.name} ({', '.join(map(str, _sizes(told))) if known else 'of a shape that is not said'})"


def _paired(file: Path, told: Sequence[Any], inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """By name where all are called the same, else one after the other. Raises InputError where shapes differ."""
    named = {one.name: one for one in told}
    ordered = [named[name] for name in inputs] if set(named) == set(inputs) else list(told)
    if len(ordered) != len(inputs):
        raise InputError(
            f"{file}: takes {len(ordered)} inputs ({', '.join(map(_in_words, ordered))}), the recording has {len(inputs)} "
            f"({', '.join(inputs)})."
        )
    for one, (name, shape) in zip(ordered, inputs.items(), strict=True):
        sizes = _sizes(one)[1:] if one.type.tensor_type.HasField("shape") else [UNKNOWN] * len(shape)
        if len(sizes) != len(shape) or any(
            isinstance(k, int) and k != size for k, size in zip(sizes, shape, strict=True)
        ):
            raise InputError(
                f"{file}: its input {_in_words(one)} is given '{name}' of the recording, of {tuple(shape)} a sample. Inputs are "
                "found by their names, or else by their order: name, order or resize those of the recording."
            )
    return {one.name: tuple(shape) for one, shape in zip(ordered, inputs.values(), strict=True)}


def _output_meant(file: Path, told: Sequence[Any], outputs: int, asked: str | int | None) -> str:
    names = [str(one.name) for one in told]
    if isinstance(asked, int) and 0 <= asked < len(names):
        return names[asked]
    if asked in names:
        return str(asked)
    fitting = [one.name for one in told if len(_sizes(one)) == 2 and _sizes(one)[1] == outputs]
    held = f"{file}: its outputs are {', '.join(map(_in_words, told))}"
    if asked is not None:
        raise InputError(f"{held}, and none is {asked!r}, as model.output says.")
    if len(names) == 1 or len(fitting) == 1:
        return str((fitting or names)[0])
    wanted = f"{len(fitting) or 'none'} of which {'are' if len(fitting) > 1 else 'is'} (samples, {outputs})"
    raise InputError(f"{held}, {wanted}, as the recording's target is: say which by model.output.")
