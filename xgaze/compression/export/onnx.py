"""ONNX: one file, dynamic batch, parity on real inputs, and measured latency."""

import hashlib
import json
import logging
import re
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
import onnxscript.optimizer
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.artifacts import atomic_path
from xgaze.code_version import source_hash
from xgaze.compression.export.operator_library import operators_read_once
from xgaze.compression.export.slim import slim
from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval, mean_interval

OUTPUT_NAME = "output"
SPEC, MADE_OF = "xgaze.spec", "xgaze.made_of"
"""Metadata of a file: what enters and leaves the model, and by which code it was made of which weights."""
BATCHES: tuple[Literal["any", "one"], ...] = ("any", "one")
PARITY_LIMIT = 1e-3
INT8_LIMIT = 0.25
"""8 bits may differ from floats by this fraction of the largest output: on processors of another kind they add up otherwise."""
SHAPE_NUMBERS = 64
"""Constants up to this many numbers are shapes and scalars, worked out while exporting."""


@dataclass(frozen=True)
class Latency:
    """Wall time of one sample on one thread, ms."""

    median: float
    p95: float


class NoOnnx(InputError):
    """There is no ONNX file of a model; the words say why."""


@dataclass(frozen=True)
class Exported:
    """An ONNX file that equals its model. parity: largest difference, as a fraction of the largest output. batch: whether it
    takes any number of samples at a time, or one."""

    parity: float
    batch: Literal["any", "one"]


def export_checked(model: nn.Module, spec: Spec, file: Path, inputs: Sequence[Tensor]) -> Exported:
    """Write the model as ONNX with a free batch size, compared with the model on the real samples `inputs` as one batch and on
    the first alone; where that fails, with a batch of one. What this code made of these weights before and equals the model
    stays. Raises NoOnnx, no file left behind, where neither equals the model."""
    if (known := _exported_before(model, spec, file, inputs)) is not None:
        return known
    faults: list[str] = []
    for batch in BATCHES:
        try:
            export_onnx(model, spec, file, batch)
            parity = _checked_parity(model, open_session(file), inputs)
        except (OSError, MemoryError):  # no fault of the model's
            raise
        except Exception as error:  # exporter and runtime raise what they like at layers that they do not know
            faults.append(_innermost(error))
            continue
        if parity <= PARITY_LIMIT:
            return Exported(parity, batch)
        faults.append(f"its outputs differ by {parity:.1e} of the largest")
    file.unlink(missing_ok=True)
    raise NoOnnx(faults[-1])


def _exported_before(model: nn.Module, spec: Spec, file: Path, inputs: Sequence[Tensor]) -> Exported | None:
    """What lies there already, unless it is of other weights or code, or damaged."""
    if not file.is_file():
        return None
    with suppress(Exception):  # what onnxruntime raises at a damaged file is of a dozen types
        session = open_session(file)
        told = session.get_modelmeta().custom_metadata_map
        if all(told.get(key) == value for key, value in _metadata(model, spec).items()):
            parity = _checked_parity(model, session, inputs)
            return (
                Exported(parity, "any" if takes_at_once(session) is None else "one") if parity <= PARITY_LIMIT else None
            )
    return None


def _metadata(model: nn.Module, spec: Spec) -> dict[str, str]:
    return {SPEC: json.dumps(spec.to_json()), MADE_OF: f"{_hash_of_weights(model)}-{source_hash()}"}


def _hash_of_weights(model: nn.Module) -> str:
    """First 12 hexadecimal digits of the SHA-256 of all tensors, names and sizes included; tied ones count each."""
    digest = hashlib.sha256()
    for name, one in model.state_dict().items():
        digest.update(f"{name}\0{one.dtype}\0{tuple(one.shape)}\0".encode())
        digest.update(one.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:12]


def _checked_parity(model: nn.Module, session: Any, inputs: Sequence[Tensor]) -> float:
    """That of all samples at once, unless that of the first alone passes the limit."""
    alone = onnx_parity(model, session, [x[:1] for x in inputs])
    return onnx_parity(model, session, inputs) if alone <= PARITY_LIMIT else alone


def _innermost(error: BaseException) -> str:
    """What an error began with, in one line; the operation, where it is one that ONNX lacks."""
    while error.__cause__ is not None:
        error = error.__cause__
    if lacking := re.search(r"OpOverload\(op='(?:\w+\.)?(\w+)'", str(error)):
        return f"ONNX has no operation for '{lacking[1]}'"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def export_onnx(model: nn.Module, spec: Spec, file: Path, batch: Literal["any", "one"] = "any") -> None:
    """Write the model as one ONNX file with named inputs and a free batch size (or one sample at a time). Normalisation and units
    are metadata."""
    model.eval().cpu()
    free = batch == "any"
    inputs = tuple(torch.zeros(2 if free else 1, *one.shape) for one in spec.inputs)
    dimension = torch.export.Dim("batch", min=1)
    shapes = tuple({0: dimension} for _ in inputs)
    with atomic_path(file) as temporary, warnings.catch_warnings(), operators_read_once():
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
            dynamic_shapes=(shapes,) if free else None,
        )
        assert program is not None
        onnxscript.optimizer.optimize_ir(program.model, input_size_limit=SHAPE_NUMBERS)
        proto = slim(program.model_proto)
        onnx.helper.set_model_props(proto, _metadata(model, spec))
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
    expected = model.eval()(*(x.clone() for x in inputs)).numpy()
    found = run_onnx(session, inputs)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@torch.inference_mode()
def furthest_from_onnx(
    model: nn.Module, file: Path, names: Sequence[str], output: str, batches: Iterable[Sequence[Tensor]]
) -> float:
    """Largest difference between the model and the file on all batches, as a fraction of what the outputs span. names: of the
    model's inputs in its order; output: the file's that is the model's. Raises InputError for a file that onnxruntime does not
    run on them."""
    apart, low, high = 0.0, np.inf, -np.inf
    try:
        session = open_session(file)
        order = [list(names).index(one) for one in input_names(session)]
        for batch in batches:
            expected = model.eval()(*(x.clone() for x in batch)).numpy()
            found = run_onnx(session, [batch[k] for k in order], output)
            apart = max(apart, float(np.abs(found - expected).max()))
            low, high = min(low, float(found.min())), max(high, float(found.max()))
    except Exception as error:  # onnxruntime raises a dozen types of its own
        raise InputError(f"{file}: onnxruntime does not run it on these inputs ({str(error)[:160]}).") from None
    return apart / (high - low) if high > low else float("inf")


def run_onnx(session: Any, inputs: Sequence[Tensor], output: str | None = None) -> NDArray[np.float32]:
    """Outputs (n, outputs) of a session on one batch; one sample after the other where its file takes one at a time. output: its
    name; the first unless given."""
    size = takes_at_once(session) or len(inputs[0])
    names = input_names(session)
    parts = ([x[start : start + size] for x in inputs] for start in range(0, len(inputs[0]), size))
    return np.concatenate([session.run(output and [output], feed(names, part))[0] for part in parts])


def takes_at_once(session: Any) -> int | None:
    """How many samples its file takes at a time; None for any number."""
    first = session.get_inputs()[0].shape[0]
    return first if isinstance(first, int) else None


def measure_latency_ms(session: Any, inputs: Sequence[Tensor], repeats: int = 200, warm_up: int = 20) -> Latency:
    """Median and 95th percentile over single runs of one sample."""
    one = feed(input_names(session), [x[:1] for x in inputs])
    seconds = np.empty(repeats)
    for _ in range(warm_up):
        session.run(None, one)
    for k in range(repeats):
        start = time.perf_counter()
        session.run(None, one)
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


def input_names(session: Any) -> list[str]:
    return [one.name for one in session.get_inputs()]


def feed(names: Sequence[str], inputs: Sequence[Tensor]) -> dict[str, Any]:
    """One batch of inputs as onnxruntime takes it, by their names in the file."""
    return {name: x.contiguous().numpy() for name, x in zip(names, inputs, strict=True)}
