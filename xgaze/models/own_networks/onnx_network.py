"""An ONNX file as a network of torch's own layers: stored, cut and tuned like any other. No code of the file runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from torch import fx, nn

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_nodes.onnx_folding import BRANCH, folded, without_samples
from xgaze.models.own_networks.onnx_nodes.onnx_graph import OnnxGraph, branches, graph_in
from xgaze.models.own_networks.onnx_nodes.onnx_operations import OPERATIONS
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Reading, Shape, Step

CLASS_INSTEAD = "Adopt the network's class instead: mypackage:MyNet --weights FILE."
FREE_BATCH = "Export it for any number of samples (dynamic axes), if you can. "
FAULTS = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What torch and NumPy raise at sizes and arguments that do not go together."""


def network_of_onnx(
    file: Path, inputs: Mapping[str, Shape], outputs: int, output: str | int | None = None
) -> tuple[nn.Module, list[str], str]:
    """The network of a file, in evaluation mode; the names of its inputs as it takes them, and of its output.

    inputs: names of a recording's with their shapes, less the batch: the file's are found by their names where all are called the
    same, else by their order. outputs: how many numbers its output has for a sample; output: name or place of the one that is
    meant, where several have as many. Raises InputError, naming all operations that are not known.
    """
    graph = graph_in(file, inputs, outputs, output)
    _require_known(file, graph)
    reading = Reading(list(graph.inputs.values()), graph.fixed, readers=_readers(graph.nodes))
    for name, one in graph.constants.items():
        reading.hold(name, one)
    reading.known = {name: reading.steps.placeholder(f"input_{k}") for k, name in enumerate(graph.inputs)}
    for node in graph.nodes:
        try:
            _read(reading, node, graph.opset)
        except (InputError, *FAULTS) as error:
            why = str(error).partition("\n")[0][:200].removesuffix(".")
            way_out = f"{FREE_BATCH if graph.fixed else ''}{CLASS_INSTEAD}"
            raise InputError(f"{file}: {_called(node)} is not read: {why}. {way_out}") from None
    if graph.output not in reading.known:
        raise InputError(f"{file}: its output {graph.output} is the same whatever the inputs are.")
    reading.steps.output(reading.known[graph.output])
    return _without_unused(fx.GraphModule(reading.root, reading.steps)).eval(), list(graph.inputs), graph.output


def _without_unused(network: fx.GraphModule) -> fx.GraphModule:
    network.graph.eliminate_dead_code()
    network.delete_all_unused_submodules()
    used = {str(node.target) for node in network.graph.nodes if node.op == "get_attr"}
    for name in [name for name, _ in network.named_buffers(recurse=False) if name not in used]:
        delattr(network, name)
    network.recompile()
    return network


def _require_known(file: Path, graph: OnnxGraph) -> None:
    numbers = without_samples(graph.nodes, set(graph.constants))
    nodes = [node for node in graph.nodes if not set(node.output) <= numbers]
    known = {*OPERATIONS, BRANCH}
    unknown: dict[str, Any] = {_kind(node): node for node in reversed(nodes) if _kind(node) not in known}
    if unknown:
        named = ", ".join(_called(node) for _, node in sorted(unknown.items()))
        raise InputError(f"{file}: holds operations that are not read: {named}. {CLASS_INSTEAD}")


def _kind(node: Any) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else str(node.op_type)


def _called(node: Any) -> str:
    return f"{_kind(node)} '{node.name or node.output[0]}'"


def _readers(nodes: Sequence[Any]) -> dict[str, list[Any]]:
    found = defaultdict[str, list[Any]](list)
    for node in nodes:
        for name in node.input:
            found[name].append(node)
    return found


def _read(reading: Reading, node: Any, opset: int) -> None:
    """One node: numbers, or steps whose sizes are worked out at once, so that a fault is told of the node that has it."""
    if folded(reading, node, opset):
        return
    if node.op_type == BRANCH:
        _read_branch(reading, node, opset)
        return
    if _kind(node) not in OPERATIONS:
        raise InputError("it computes with the number of samples")
    given = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    step = Step(node.op_type, tuple(node.input), tuple(node.output), given, opset)
    found = OPERATIONS[node.op_type](reading, step)
    for name, one in zip(node.output, [found] if isinstance(found, fx.Node) else found, strict=False):
        reading.shapes_of(one)
        reading.known[name] = one


def _read_branch(reading: Reading, node: Any, opset: int) -> None:
    """Of two ways the one that sizes alone choose, as exporters ask whether an axis is one long."""
    chosen = reading.constants.get(node.input[0])
    if chosen is None:
        raise InputError("which way it takes depends on the samples")
    branch = branches(node)["then_branch" if chosen.all() else "else_branch"]
    for inner in branch.node:
        _read(reading, inner, opset)
    for name, told in zip(node.output, branch.output, strict=True):
        if told.name in reading.known:
            reading.known[name] = reading.known[told.name]
        else:
            reading.hold(name, reading.constants[told.name])
