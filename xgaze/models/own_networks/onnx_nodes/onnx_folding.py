"""Nodes of ONNX that compute from numbers alone: shapes and what is made of them, worked out while a file is read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Constant, Reading
from xgaze.models.own_networks.sizes import BATCHES

OF_SHAPES = ("Shape", "Size")
BRANCH = "If"
WITH_SAMPLES = (
    *(
        "Add",
        "Cast",
        "Concat",
        "Div",
        "Equal",
        "Gather",
        "Greater",
        "Identity",
        "Less",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
    ),
    *("ReduceProd", "Reshape", "Slice", "Squeeze", "Sub", "Unsqueeze", "Where"),
)
"""What shapes are computed by; others, of the number of samples, make tensors with a row for each."""


def without_samples(nodes: Sequence[Any], constants: set[str]) -> set[str]:
    """Names of `constants` and of all that is made of them or of shapes, and of nothing else."""
    known = set(constants)
    for node in nodes:
        if node.op_type in OF_SHAPES or (node.op_type != BRANCH and all(name in known for name in node.input if name)):
            known |= set(node.output)
    return known


def folded(reading: Reading, node: Any, opset: int) -> bool:
    """Whether the node's outputs are now among `reading`'s numbers, because its inputs are. Raises InputError."""
    if node.op_type == "Constant":
        _hold(reading, node.output[0], (_constant_of(node),) * len(BATCHES))
        return True
    if node.op_type in OF_SHAPES:
        _hold(reading, node.output[0], _of_shape(reading, node))
        return True
    names = [name for name in node.input if name]
    by_batch = any(name in reading.by_batch for name in names)
    if node.op_type == BRANCH or (by_batch and node.op_type not in WITH_SAMPLES):
        return False
    if not names or not all(name in reading.constants or name in reading.by_batch for name in names):
        return False
    made = [_computed(node, opset, batch) for batch in _batches(reading, names, by_batch)]
    for name, *values in zip(node.output, *made, strict=True):
        if name:
            _hold(reading, name, tuple(values) if by_batch else tuple(values * len(BATCHES)))
    return True


def _hold(reading: Reading, name: str, values: tuple[Constant, ...]) -> None:
    if all(np.array_equal(values[0], one) for one in values[1:]):
        reading.hold(name, values[0])
    else:
        reading.by_batch[name] = values


def _constant_of(node: Any) -> Constant:
    (told,) = node.attribute
    value = helper.get_attribute_value(told)
    if told.name == "value":
        return numpy_helper.to_array(value)
    if told.name not in ("value_float", "value_floats", "value_int", "value_ints"):
        raise InputError(f"a constant of the kind {told.name}")
    return np.asarray(value, np.float32 if "float" in told.name else np.int64)


def _of_shape(reading: Reading, node: Any) -> tuple[Constant, ...]:
    """Of what is read, for each of `BATCHES`."""
    name = node.input[0]
    if name in reading.known:
        shapes: Sequence[Sequence[int]] = reading.shapes_of(reading.known[name])
    elif name in reading.constants:
        shapes = (reading.constants[name].shape,) * len(BATCHES)
    else:
        shapes = [one.shape for one in reading.by_batch[name]]
    told = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    axes = slice(told.get("start"), told.get("end"))
    whole = node.op_type == "Shape"
    return tuple(np.asarray(one[axes] if whole else np.prod(one, dtype=np.int64), np.int64) for one in shapes)


def _batches(reading: Reading, names: Sequence[str], by_batch: bool) -> list[dict[str, Constant]]:
    return [
        {name: reading.by_batch[name][k] if name in reading.by_batch else reading.constants[name] for name in names}
        for k in range(len(BATCHES) if by_batch else 1)
    ]


def _computed(node: Any, opset: int, inputs: dict[str, Constant]) -> list[Constant]:
    """By the reference that ONNX gives of its operations."""
    told = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(one.dtype), one.shape)
        for name, one in inputs.items()
    ]
    made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = helper.make_graph([node], "node", told, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        found = iter(ReferenceEvaluator(model).run(None, inputs))
    except Exception as error:  # of NumPy and of its own, a dozen types
        raise InputError(f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}") from None
    return [np.asarray(next(found)) if name else np.zeros(0) for name in node.output]
