"""ONNX operators for torch's, as the exporter of torch 2.13 knows them: read once, not again for each file."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from torch.onnx._internal.exporter._registration import ONNXRegistry


@contextmanager
def operators_read_once() -> Iterator[None]:
    """Within, exports share one library of operators. Reading it is a third of an export's time, and no export changes it."""
    with mock.patch.object(ONNXRegistry, "from_torchlib", staticmethod(_library)):
        yield


_read = ONNXRegistry.from_torchlib


@functools.cache
def _library(opset_version: int) -> ONNXRegistry:
    return _read(opset_version=opset_version)
