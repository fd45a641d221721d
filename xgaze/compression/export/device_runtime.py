"""The student as a program of a runtime for devices: ExecuTorch (.pte) or LiteRT (.tflite), where these are installed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.artifacts import atomic_path
from xgaze.compression.export.onnx import PARITY_LIMIT
from xgaze.compression.export.samples import Samples
from xgaze.data.contract import Spec
from xgaze.errors import InputError

LITERT = "pip install litert-torch, and then pip install --upgrade typing-extensions pydantic"
"""It asks for an older typing-extensions than pydantic does, and runs with the newer one: no extra could be resolved."""
Compute = Callable[[Sequence[Tensor]], NDArray[np.float32]]
"""One sample, (1, ...) each -> (1, outputs)."""


@dataclass(frozen=True)
class DeviceRuntime:
    """file: its name in the student's folder. packages: modules that must be installed, got by `remedy`. write: the program
    of a model that reads one sample; opened: what computes with it."""

    name: str
    file: str
    packages: tuple[str, ...]
    remedy: str
    write: Callable[[nn.Module, Sequence[Tensor]], bytes]
    opened: Callable[[Path], Compute]

    @property
    def missing(self) -> list[str]:
        return [package for package in self.packages if find_spec(package) is None]


def require_runtime(to: str) -> DeviceRuntime:
    """Raises InputError where a package of it is missing."""
    runtime = RUNTIMES[to]
    if runtime.missing:
        raise InputError(f"--to {to} needs {' and '.join(runtime.missing)}, not installed here: {runtime.remedy}.")
    return runtime


def export_for_device(
    to: str,
    folder: Path,
    model: nn.Module,
    spec: Spec,
    samples: Samples,
    judged: Callable[[Path], dict[str, Any]] = lambda _: {},
) -> dict[str, Any]:
    """Write the program, and say how far it is from the model on the samples, and what else is `judged` of its file. Raises
    InputError, nothing left behind, where a package is missing, the runtime lacks a layer, or it puts out something else."""
    runtime = require_runtime(to)
    one = [x[:1] for x in samples.fed(spec)]
    with atomic_path(folder / runtime.file) as temporary:
        try:
            temporary.write_bytes(runtime.write(model.eval(), one))
            found = computed(runtime, temporary, samples.fed(spec))
        except (OSError, MemoryError):
            raise
        except Exception as error:  # both raise what they like at layers that they do not know
            words = (str(error).splitlines() or [""])[0][:200]
            raise InputError(f"{runtime.name} cannot write this model ({type(error).__name__}: {words}).") from None
        apart = float(np.abs(found - samples.outputs).max() / np.abs(samples.outputs).max())
        if not apart <= PARITY_LIMIT:
            raise InputError(f"{runtime.name} puts out something else: {apart:.1e} of the largest output apart.")
        more = judged(temporary)
    return {"runtime": runtime.name, "parity": apart, "bytes": (folder / runtime.file).stat().st_size, **more}


def computed(runtime: DeviceRuntime, file: Path, fed: Sequence[Tensor]) -> NDArray[np.float32]:
    """Its outputs (n, outputs) for inputs (n, ...) each, one sample at a time."""
    compute = runtime.opened(file)
    return np.concatenate([compute([x[k : k + 1] for x in fed]) for k in range(len(fed[0]))])


def _write_executorch(model: nn.Module, one: Sequence[Tensor]) -> bytes:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(model, tuple(x.clone() for x in one))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    return bytes(lowered.to_executorch().buffer)


def _open_executorch(file: Path) -> Compute:
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(str(file))
    forward = program.load_method("forward")

    def compute(one: Sequence[Tensor]) -> NDArray[np.float32]:
        return np.asarray(forward.execute([x.contiguous() for x in one])[0].numpy(), np.float32)

    return compute


def _write_litert(model: nn.Module, one: Sequence[Tensor]) -> bytes:
    import litert_torch

    made = litert_torch.convert(model, tuple(x.clone() for x in one))
    return bytes(made.model_content())


def _open_litert(file: Path) -> Compute:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=str(file)).get_signature_runner()
    names = sorted(run.get_input_details(), key=lambda name: int(name.rpartition("_")[2]))  # args_2 before args_10

    def compute(one: Sequence[Tensor]) -> NDArray[np.float32]:
        found = run(**{name: x.numpy() for name, x in zip(names, one, strict=True)})
        return np.asarray(next(iter(found.values())), np.float32)

    return compute


RUNTIMES: Mapping[str, DeviceRuntime] = MappingProxyType(
    {
        "pte": DeviceRuntime(
            "ExecuTorch",
            "model.pte",
            ("executorch",),
            "pip install 'xgaze[executorch]'",
            _write_executorch,
            _open_executorch,
        ),
        "tflite": DeviceRuntime(
            "LiteRT", "model.tflite", ("litert_torch", "ai_edge_litert"), LITERT, _write_litert, _open_litert
        ),
    }
)
