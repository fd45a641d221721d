"""Activations after the pool that follows them: the largest of what a rising curve gives is what it gives for the largest.

In 8 bits an activation other than ReLU is a step of its own, over every number; after a pool of stride 2 there are a fourth.
"""

from collections import Counter
from collections.abc import Collection

from onnx import ModelProto, NodeProto, helper

from xgaze.compression.export.slim import replace_nodes

RISING = ("LeakyRelu", "Elu", "Sigmoid", "Tanh")


def pool_first(model: ModelProto, floats: Collection[str] = ()) -> ModelProto:
    """Exchange, in place, a rising activation and the largest-of pool that alone reads it. Both keep their names. floats: nodes
    that compute in floats, where a convolution includes its activation: these stay as they are."""
    readers = Counter(name for node in model.graph.node for name in node.input)
    readers.update(one.name for one in model.graph.output)
    nodes = list(model.graph.node)
    maker = {node.output[0]: node for node in nodes}
    place = {id(node): k for k, node in enumerate(nodes)}
    for pool in [node for node in nodes if node.op_type == "MaxPool" and len(node.output) == 1]:
        curve = maker.get(pool.input[0])
        if curve is None or readers[curve.output[0]] > 1 or curve.name in floats or not _rises(curve):
            continue
        before, middle, after = curve.input[0], curve.output[0], pool.output[0]
        pool.input[0], pool.output[0] = before, middle
        curve.input[0], curve.output[0] = middle, after
        k, m = place[id(curve)], place[id(pool)]
        nodes[k], nodes[m] = pool, curve
    replace_nodes(model.graph, nodes)
    return model


def _rises(node: NodeProto) -> bool:
    """Nowhere does it fall: a leak or an alpha below nought would."""
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return node.op_type in RISING and float(given.get("alpha", 1.0)) >= 0
