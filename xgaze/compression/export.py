"""ONNX: one file, dynamic batch, parity on real inputs, and measured latency."""

import json
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxscript.optimizer
import torch
from torch import Tensor, nn

from xgaze.artifacts import atomic_path
from xgaze.compression.slim import slim
from xgaze.data.contract import Spec
from xgaze.evaluation.participants import Interval, mean_interval

OUTPUT_NAME = "output"
SHAPE_NUMBERS = 64
"""Constants up to this many numbers are shapes and scalars, worked out while exporting."""


@dataclass(frozen=True)
class Latency:
    """Wall time of one sample on one thread, ms."""

    median: float
    p95: float


def export_onnx(model: nn.Module, spec: Spec, file: Path) -> None:
    """Write the model as one ONNX file with named inputs and a free batch size. Normalisation and units are metadata."""
    model.eval().cpu()
    inputs = tuple(torch.zeros(2, *one.shape) for one in spec.inputs)
    batch = torch.export.Dim("batch", min=1)
    shapes = tuple({0: batch} for _ in inputs)
    with atomic_path(file) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            model,
            inputs,
            dynamo=True,
            external_data=False,
            verbose=False,
            optimize=False,  # torch's own would write factored weights out in full, if they are small; runtimes do so on loading
            input_names=[one.name for one in spec.inputs],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(shapes,),
        )
        assert program is not None
        onnxscript.optimizer.optimize_ir(program.model, input_size_limit=SHAPE_NUMBERS)
        proto = slim(program.model_proto)
        onnx.helper.set_model_props(proto, {"xgaze.spec": json.dumps(spec.to_json())})
        onnx.save(proto, temporary)


def open_session(file: Path) -> onnxruntime.InferenceSession:
    """An onnxruntime session on one CPU thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


@torch.inference_mode()
def onnx_parity(model: nn.Module, session: Any, inputs: Sequence[Tensor]) -> float:
    """Largest difference between torch and ONNX outputs, as a fraction of the largest output."""
    expected = model.eval()(*inputs).numpy()
    found = session.run(None, _feed(session, inputs))[0]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def measure_latency_ms(session: Any, inputs: Sequence[Tensor], repeats: int = 200, warm_up: int = 20) -> Latency:
    """Median and 95th percentile over single runs of one sample."""
    feed = _feed(session, [x[:1] for x in inputs])
    seconds = np.empty(repeats)
    for _ in range(warm_up):
        session.run(None, feed)
    for k in range(repeats):
        start = time.perf_counter()
        session.run(None, feed)
        seconds[k] = time.perf_counter() - start
    return Latency(float(np.median(seconds) * 1e3), float(np.quantile(seconds, 0.95) * 1e3))


def paired_ratio(first: Any, second: Any, inputs: Sequence[Tensor], rounds: int = 20, each: int = 10) -> Interval:
    """How many times as long as the second session the first one needs for one sample, with a 95 % interval over rounds.

    Both are measured in turn, whichever goes first alternating, so that what else the machine does falls on both. Per round the
    ratio of the medians of `each` runs; the interval is the t-interval of its logarithm.
    """
    logs = np.empty(rounds)
    for k in range(rounds):
        order = (first, second) if k % 2 == 0 else (second, first)
        medians = {id(one): measure_latency_ms(one, inputs, each, warm_up=2).median for one in order}
        logs[k] = np.log(medians[id(first)] / medians[id(second)])
    found = mean_interval(logs, np.arange(rounds))
    assert found.low is not None and found.high is not None
    return Interval(float(np.exp(found.mean)), float(np.exp(found.low)), float(np.exp(found.high)))


def latency_to_json(latency: Latency) -> dict[str, float]:
    return asdict(latency)


def _feed(session: Any, inputs: Sequence[Tensor]) -> dict[str, Any]:
    return {one.name: x.contiguous().numpy() for one, x in zip(session.get_inputs(), inputs, strict=True)}
