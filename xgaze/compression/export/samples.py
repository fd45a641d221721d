"""Samples that lie beside a model, as they are stored, with what the model puts out for them: whoever gets it can try it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xgaze.artifacts import file_hash
from xgaze.data.contract import Recording, Spec, normalise, rows_of, spread_evenly, stored_inputs
from xgaze.errors import InputError
from xgaze.writing import atomic_path

SAMPLES_FILE = "samples.npz"
OUTPUTS = "outputs"


@dataclass(frozen=True)
class Samples:
    """stored: input name -> (samples, *shape), as the recording stores it. outputs: of the model, (samples, outputs)."""

    stored: dict[str, NDArray[np.generic]]
    outputs: NDArray[np.float32]

    def fed(self, spec: Spec) -> tuple[torch.Tensor, ...]:
        """The inputs as a model reads them."""
        return tuple(normalise(self.stored[one.name], one) for one in spec.inputs)


def test_samples(recording: Recording, model: torch.nn.Module, count: int) -> Samples:
    """`count` test samples, spread evenly, and the model's outputs."""
    stored = stored_inputs(recording, spread_evenly(rows_of(recording, "test"), count))
    fed = Samples(stored, np.empty((0, 0), np.float32)).fed(recording.spec)
    return Samples(stored, outputs_of(model, fed))


@torch.inference_mode()
def outputs_of(model: torch.nn.Module, fed: tuple[torch.Tensor, ...]) -> NDArray[np.float32]:
    """What the model puts out, one sample at a time: (samples, outputs)."""
    outputs = [model(*(x[k : k + 1].clone() for x in fed)).numpy() for k in range(len(fed[0]))]
    return np.concatenate(outputs).astype(np.float32)


def write_samples(folder: Path, samples: Samples) -> None:
    with atomic_path(folder / SAMPLES_FILE) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **samples.stored, **{OUTPUTS: samples.outputs})


def read_samples(folder: Path, spec: Spec) -> Samples:
    """Raises InputError for a file that is missing, damaged, or not of such a model."""
    file = folder / SAMPLES_FILE
    file_hash(file)  # says what is wrong where there is none
    try:
        with np.load(file, allow_pickle=False) as found:
            stored = {one.name: found[one.name] for one in spec.inputs}
            outputs = found[OUTPUTS]
    except Exception as error:  # zipfile, zlib, numpy: each has its own
        raise InputError(f"{file}: not readable as samples ({type(error).__name__}). {_AGAIN}") from None
    shapes = [(len(outputs), *one.shape) for one in spec.inputs]
    given = [stored[one.name].shape for one in spec.inputs]
    types = [stored[one.name].dtype == np.dtype(one.dtype) for one in spec.inputs]
    if shapes != given or not all(types) or outputs.shape[1:] != (spec.outputs,) or not len(outputs):
        raise InputError(f"{file}: its samples are not what {folder.name} reads. {_AGAIN}")
    return Samples(stored, outputs.astype(np.float32))


_AGAIN = "Export again, or take another copy of the folder."
