"""int8: weights and activations of an exported model in 8 bits, calibrated on training frames, by onnxruntime."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from xgaze.artifacts import atomic_path
from xgaze.compression.export.computed_in_floats import ALL, Form
from xgaze.compression.export.mirrored_weights import turn_when_loaded, write_out_turned
from xgaze.compression.export.onnx import (
    Latency,
    feed,
    measure_latency_ms,
    open_session,
    paired_ratio,
    run_onnx,
    takes_at_once,
)
from xgaze.compression.export.packed_weights import pack_weights
from xgaze.compression.export.rearranged.pooled_first import pool_first
from xgaze.compression.export.rearranged.quick_filters import rearrange
from xgaze.compression.export.slim import slimmest
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, distances_of, participants_of, spread_evenly, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.score import Summary, compare, summarise

FRAMES = 512
"""What lies outside the ranges of these is cut off: with 64 frames single test samples moved by 35 px."""
BATCH = 16
EACH = 10
"""Runs of each model in a round of measuring both in turn."""


@dataclass(frozen=True)
class Int8Report:
    """What 8 bits cost and give. error: of the int8 model; difference_percent: how much worse it is than the float model on the
    same frames (worse is positive; of classes, in points), worse_than_reference_percent: than what the student is measured
    against; latency_ms: of one sample on one thread; time_ratio: the int8 model's
    time over the float model's, measured in turn."""

    bytes: int
    float_bytes: int
    error: Summary
    difference_percent: Interval
    worse_than_reference_percent: Interval
    latency_ms: Latency
    float_latency_ms: Latency
    time_ratio: Interval

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def quantise_onnx(
    source: Path,
    recording: Recording,
    rows: NDArray[np.int64],
    target: Path,
    frames: int = FRAMES,
    reduce_range: bool | None = None,
    form: Form = ALL,
    rearranged: bool = True,
    changed: Mapping[str, Any] | None = None,
) -> None:
    """Write the float model `source` with 8-bit weights (one scale per channel) and activations, whose ranges are those on
    `frames` of `rows`, spread evenly: give training rows. form: which layers compute in floats. rearranged: with convolutions as
    onnxruntime computes them faster. changed: what else onnxruntime's quantiser is told than it is here, to measure it.

    reduce_range: weights in 7 bits, for processors on which sums of 8-bit products can overflow; None: if this is one.
    Raises InputError if there are no rows, the model is no ONNX file, or onnxruntime cannot quantise it."""
    with atomic_path(target) as temporary:
        made = with_roundings(source, recording, rows, frames, reduce_range, form, changed)
        if rearranged:
            rearrange(made)
        onnx.save(slimmest(turn_when_loaded(pack_weights(made))), temporary)


def with_roundings(
    source: Path,
    recording: Recording,
    rows: NDArray[np.int64],
    frames: int = FRAMES,
    reduce_range: bool | None = None,
    form: Form = ALL,
    changed: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:
    """What onnxruntime makes of a float model, before anything is packed: its nodes, under their names, and QuantizeLinear and
    DequantizeLinear wherever something is rounded. The same arguments and errors as `quantise_onnx`."""
    if len(rows) == 0:
        raise InputError(f"{source}: int8 needs frames to calibrate on, and there are none.")
    model = write_out_turned(open_onnx(source))
    floats = form.excluded(model.graph)
    pool_first(model, floats)
    reader = _Frames(recording, spread_evenly(rows, frames), takes_at_once(open_session(source)) or BATCH)
    with TemporaryDirectory() as folder, _silent():
        try:
            told = {
                "quant_format": QuantFormat.QDQ,
                "per_channel": True,
                # Signed activations gave the same outputs, no faster, on x86 with VNNI; onnxruntime advises unsigned for x86.
                "activation_type": QuantType.QUInt8,
                "weight_type": QuantType.QInt8,
                "reduce_range": products_overflow() if reduce_range is None else reduce_range,
                "nodes_to_exclude": sorted(floats),
            }
            quantize_static(model, Path(folder) / "made.onnx", reader, **told | dict(changed or {}))
            return onnx.load(Path(folder) / "made.onnx")
        except (OSError, MemoryError):  # no fault of the model's
            raise
        except Exception as error:  # onnxruntime raises what it likes at operators that it does not know
            words = (str(error).splitlines() or [""])[0]
            raise InputError(f"{source}: onnxruntime cannot quantise it ({type(error).__name__}: {words}).") from None


def open_onnx(file: Path) -> onnx.ModelProto:
    """An ONNX file. Raises InputError if it is missing or damaged."""
    try:
        return onnx.load(file)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file.") from None
    except Exception:  # protobuf's own error class differs between its versions
        raise InputError(f"{file}: not a readable ONNX file.") from None


def predict_onnx(
    file: Path, recording: Recording, rows: NDArray[np.int64], batch_size: int = 64
) -> NDArray[np.float32]:
    """Outputs (rows, outputs) of an exported model on one thread: gaze in px, or one logit per class."""
    session = open_session(file)
    batches = ordered_batches(recording, rows, batch_size)
    return np.concatenate([run_onnx(session, batch.inputs) for batch in batches])


def int8_figures(
    source: Path,
    target: Path,
    recording: Recording,
    rows: NDArray[np.int64],
    reference: NDArray[np.float32],
    repeats: int = 200,
) -> Int8Report:
    """Compare the int8 model `target` with the float model `source` on `rows`, which neither has been made from, and with what
    another model put out there: reference (rows, outputs)."""
    spec, truth = recording.spec, targets_of(recording, rows)
    people = participants_of(recording, rows)
    floats, ints = (predict_onnx(file, recording, rows) for file in (source, target))
    one = next(iter(ordered_batches(recording, rows[:1]))).inputs
    ours, theirs = open_session(target), open_session(source)
    return Int8Report(
        bytes=target.stat().st_size,
        float_bytes=source.stat().st_size,
        error=summarise(spec, ints, truth, people, distances_of(recording, rows)),
        difference_percent=compare(spec, ints, floats, truth, people),
        worse_than_reference_percent=compare(spec, ints, reference, truth, people),
        latency_ms=measure_latency_ms(ours, one, repeats),
        float_latency_ms=measure_latency_ms(theirs, one, repeats),
        time_ratio=paired_ratio(ours, theirs, one, rounds=max(2, repeats // EACH), each=EACH),
    )


def products_overflow() -> bool:
    """Whether onnxruntime adds 8-bit products in 16 bits here, which saturate: on x86 processors without VNNI (its documentation
    of quantisation, "When to use U8S8")."""
    able = torch.cpu.get_capabilities()
    if able.get("architecture") not in ("x86_64", "AMD64"):
        return False
    return not any(able.get(name, False) for name in ("avx512_vnni", "avx_vnni", "amx_int8"))


class _Frames(CalibrationDataReader):
    """Frames of a recording, batch by batch, by the names of the model's inputs."""

    def __init__(self, recording: Recording, rows: NDArray[np.int64], batch_size: int) -> None:
        self.names = [one.name for one in recording.spec.inputs]
        self.batches = ordered_batches(recording, rows, batch_size)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self.batches, None)
        return None if batch is None else feed(self.names, batch.inputs)


@contextmanager
def _silent() -> Iterator[None]:
    """onnxruntime advises on preprocessing through the root logger; our exporter has done it."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
