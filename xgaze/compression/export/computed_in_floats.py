"""Which parts of an 8-bit file compute in floats: what must, and where the first and last steps cost the most."""

from collections.abc import Callable
from dataclasses import dataclass

from onnx import GraphProto

from xgaze.compression.export.packed_weights import is_weight_product

PRODUCTS = ("Gemm", "MatMul")
WEIGHTED = ("Conv", *PRODUCTS)


@dataclass(frozen=True)
class Form:
    """words: what computes in 8 bits, for people. floats: of a graph, the names of nodes that compute in floats, beside those
    that must."""

    words: str
    floats: Callable[[GraphProto], set[str]]

    def excluded(self, graph: GraphProto) -> set[str]:
        """All nodes that compute in floats."""
        return float_nodes(graph) | self.floats(graph)


def float_nodes(graph: GraphProto) -> set[str]:
    """Nodes that must compute in floats: the last matrix product and all after it, since 8 bits over a scene of 1000 px are
    steps of 4 px; products of a weight's factors with what reads them, which have no frames to be calibrated on; and instance
    normalisations (group normalisations are made of them), whose shared scales onnxruntime cannot quantise."""
    maker = {name: node for node in graph.node for name in node.output}
    found, waiting = set(), [one.name for one in graph.output]
    while waiting:
        node = maker.get(waiting.pop())
        if node is not None and node.name not in found:
            found.add(node.name)
            waiting += [] if node.op_type in PRODUCTS else node.input
    constant: set[str] = set()
    for node in graph.node:
        if is_weight_product(graph, node) or any(name in constant for name in node.input):
            found.add(node.name)
            constant |= set() if node.op_type in ("Gemm", "Conv") else set(node.output)
    return found | {node.name for node in graph.node if node.op_type == "InstanceNormalization"}


def first_steps(graph: GraphProto) -> set[str]:
    """All up to the second product with weights: pictures are finer than 8 bits once they are averaged, and their first maps are
    the largest."""
    seen: dict[str, int] = {}
    for node in graph.node:
        before = max((seen.get(name, 0) for name in node.input), default=0)
        seen |= dict.fromkeys(node.output, before + (node.op_type in WEIGHTED))
    return {node.name for node in graph.node if max(seen[name] for name in node.output) <= 1}


def last_steps(graph: GraphProto) -> set[str]:
    """The last convolutions and all after them: what errs there is averaged over nothing."""
    ahead: dict[str, int] = {}
    found = set()
    for node in reversed(graph.node):
        after = max((ahead.get(name, 0) for name in node.output), default=0)
        if after == 0:
            found.add(node.name)
        here = after + (node.op_type == "Conv")
        ahead |= {name: max(here, ahead.get(name, 0)) for name in node.input}
    return found


ALL = Form("all layers but the last in 8 bits", lambda _: set())
FORMS = (
    ALL,
    Form("all but the last convolutions and what follows in 8 bits", last_steps),
    Form(
        "all but the first layers, the last convolutions and what follows in 8 bits",
        lambda graph: first_steps(graph) | last_steps(graph),
    ),
)
