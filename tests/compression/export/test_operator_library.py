"""The exporter's library of operators is read once a process, is the exporter's own, and is no one else's."""

from torch.onnx._internal.exporter._constants import TORCHLIB_OPSET
from torch.onnx._internal.exporter._registration import ONNXRegistry

from xgaze.compression.export.operator_library import operators_read_once


def read():
    return ONNXRegistry().from_torchlib(opset_version=TORCHLIB_OPSET)


def test_it_is_read_once_and_holds_what_the_exporter_reads():
    with operators_read_once():
        first = read()
    with operators_read_once():
        assert read() is first
    alone = read()
    assert alone is not first
    assert alone.functions.keys() == first.functions.keys() and len(first.functions) > 100
