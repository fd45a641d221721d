"""A finished student exported: one of the forms, then what goes with it."""

from pathlib import Path
from typing import Any

from xgaze.artifacts import WEIGHTS_FILE
from xgaze.compression.export.firmware import export_float_c
from xgaze.compression.export.onnx import PARITY_LIMIT, export_checked, onnx_parity, open_session
from xgaze.compression.export.quantise import quantise_onnx
from xgaze.compression.export.samples import Samples, test_samples, write_samples
from xgaze.compression.student import load_model
from xgaze.data.contract import Recording, Spec, rows_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.recipe import ModelSection

ONNX, INT8 = "model.onnx", "model.int8.onnx"


def export_student(
    folder: Path,
    recording: Recording,
    to: str,
    bits: int = 8,
    count: int = 16,
    own: ModelSection | None = None,
    trust_import: bool = False,
) -> dict[str, Any]:
    """Write the model in `folder` as "onnx", "int8" or "c" (with 8 or 32 bits), compared with it on `count` test samples. Raises
    InputError where there is none, or it does not equal the model."""
    model, card = load_model(folder, own, trust_import)
    spec = Spec.from_json(card.spec)
    samples = test_samples(recording, model, count)
    parity = _with_onnx(folder, model, spec, samples, again=to == "onnx")
    found: dict[str, Any] = {"samples": len(samples.outputs), "onnx_parity": parity}
    if to == "int8":
        quantise_onnx(folder / ONNX, recording, rows_of(recording, "train"), folder / INT8)
        found["bytes"] = (folder / INT8).stat().st_size
    elif to == "onnx":
        found["bytes"] = (folder / ONNX).stat().st_size
    elif bits == 8:
        raise InputError("there is no C in 8 bits yet; give --bits 32.")
    else:
        found |= export_float_c(folder, spec, samples).to_json()
    write_samples(folder, samples)
    return found


def _with_onnx(folder: Path, model: FeatureHead, spec: Spec, samples: Samples, again: bool) -> float:
    """Have a model.onnx that equals the model: the largest difference, as a fraction of the largest output."""
    file, fed = folder / ONNX, samples.fed(spec)
    if again or not file.is_file():
        return export_checked(model, spec, file, fed).parity
    parity = onnx_parity(model, open_session(file), fed)
    if parity > PARITY_LIMIT:
        raise InputError(f"{file}: is not of {folder / WEIGHTS_FILE}: outputs differ by {parity:.1e} of the largest.")
    return parity
