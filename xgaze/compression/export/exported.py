"""A finished student exported: one of the forms, then what goes with it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import TEACHER, WEIGHTS_FILE, read_card, write_text
from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.checksums import write_checksums
from xgaze.compression.export.device_runtime import RUNTIMES, computed, export_for_device, require_runtime
from xgaze.compression.export.eight_bits import computes_in_8_bits, write_eight_bits
from xgaze.compression.export.firmware import export_float_c, export_int8_c
from xgaze.compression.export.onnx import PARITY_LIMIT, export_checked, onnx_parity, open_session
from xgaze.compression.export.quantise import BATCH, FRAMES, predict_onnx
from xgaze.compression.export.refreshed_card import refresh_card
from xgaze.compression.export.samples import (
    Samples,
    test_samples,
    write_samples,
)
from xgaze.compression.export.verification import ALONE
from xgaze.compression.student import load_model
from xgaze.compression.student_folder import teacher_weights
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, Spec, participants_of, rows_of, spread_evenly, stored_inputs, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.score import compare, worse_unit
from xgaze.models.inference import predict
from xgaze.models.layers import FeatureHead
from xgaze.recipe import ModelSection, Recipe
from xgaze.stored import understood

if TYPE_CHECKING:
    from xgaze.compression.export.rounding.rounded_tuning import Lessons

ONNX, INT8 = "model.onnx", "model.int8.onnx"
REMOVE = "Remove it, and export again."
COMPARED_FRAMES = 960
FEWEST_FRAMES, CALIBRATION_BYTES = 64, 100_000_000
"""The frames that ranges are taken from are held in memory: fewer where they are large."""


def export_student(
    folder: Path,
    recording: Recording,
    to: str,
    bits: int = 8,
    count: int = 16,
    own: ModelSection | None = None,
    trust_import: bool = False,
    recipe: Recipe | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Write the model in `folder` as "onnx", "int8", "c" (with 8 or 32 bits), for a runtime of `RUNTIMES`, or ("package") nothing
    more, compared with it on `count` test samples. recipe: by which it may be tuned in 8 bits. command: as typed. Raises
    InputError where there is none, or it does not equal the model."""
    model, card = load_model(folder, own, trust_import)
    spec = Spec.from_json(card.spec)
    samples = test_samples(recording, model, count)
    found: dict[str, Any] = {"samples": len(samples.outputs)}
    if to not in RUNTIMES:  # these may do without
        found["onnx_parity"] = _with_onnx(folder, model, spec, samples, again=to == "onnx")
    if to == "int8":
        ask = partial(_lessons, recipe, recording, model, folder, own, trust_import)
        form = write_eight_bits(folder / ONNX, recording, folder / INT8, ask)
        found |= {**form.to_json(), "card": refresh_card(folder, recording, form, command, own, trust_import)}
        found["worse_unit"] = worse_unit(spec)
        found["bytes"] = (folder / INT8).stat().st_size
    elif to == "package":
        pass  # what there is already
    elif to in RUNTIMES:
        found |= _for_device(to, folder, recording, model, samples)
    elif to == "onnx":
        found["bytes"] = (folder / ONNX).stat().st_size
    elif bits == 8:
        found |= _int8_c(folder, recording, spec, samples)
    else:
        found |= export_float_c(folder, spec, samples).to_json()
    write_samples(folder, samples)
    write_text(folder / "predict.py", ALONE.read_text("utf-8"))
    write_checksums(folder)
    return found


def _lessons(
    recipe: Recipe | None,
    recording: Recording,
    model: FeatureHead,
    folder: Path,
    own: ModelSection | None,
    trust_import: bool,
) -> "Lessons | None":
    """Of the teacher beside a student, where it is still the one that taught it; else, and of a teacher, of the model itself.
    None where the recipe wants no tuning in 8 bits."""
    from xgaze.compression.export.rounding.rounded_tuning import lessons_of  # Lightning takes a second

    if recipe is None or not recipe.distill.eight_bit_epochs:
        return None
    taught = read_card(folder).metrics.get("teacher_weights")
    beside = taught and taught == teacher_weights(folder)
    teacher = load_model(folder.parent / TEACHER, own, trust_import)[0] if beside else model
    return lessons_of(recipe, recording, model, teacher)


def require_installed(to: str) -> None:
    """Raises InputError where what writes this form is not, before anything is computed for it."""
    if to in RUNTIMES:
        require_runtime(to)


def _int8_c(folder: Path, recording: Recording, spec: Spec, samples: Samples) -> dict[str, Any]:
    """In whole numbers, calibrated on training frames; how much worse it is than the float model on validation people, whom
    nothing was chosen on here, and beside it how much worse onnxruntime's 8 bits are."""
    train, validation = rows_of(recording, "train"), _compared_rows(recording)
    rows = spread_evenly(train, min(FRAMES, max(FEWEST_FRAMES, CALIBRATION_BYTES // bytes_of(spec))))
    shown = Samples(stored_inputs(recording, rows), np.empty((len(rows), 0), np.float32))
    written = export_int8_c(folder, spec, samples, shown)
    truth, people = targets_of(recording, validation), participants_of(recording, validation)
    floats = predict_onnx(folder / ONNX, recording, validation)
    parts = (validation[k : k + BATCH] for k in range(0, len(validation), BATCH))
    ours = np.concatenate([run_reference(written.program, stored_inputs(recording, rows)) for rows in parts])
    worse = {"worse_percent": vars(compare(spec, ours, floats, truth, people)), "worse_unit": worse_unit(spec)}
    if (folder / INT8).is_file():
        with understood(folder / INT8, REMOVE):
            open_session(folder / INT8)
            in_8_bits = computes_in_8_bits(folder / INT8)
            theirs = predict_onnx(folder / INT8, recording, validation) if in_8_bits else None
        if theirs is not None:
            worse["onnxruntime_worse_percent"] = vars(compare(spec, theirs, floats, truth, people))
    return {**written.to_json(), **worse}


def _for_device(to: str, folder: Path, recording: Recording, model: FeatureHead, samples: Samples) -> dict[str, Any]:
    """For a runtime; how much worse it is than the model on validation people."""
    spec, rows = recording.spec, _compared_rows(recording)
    truth, people, floats = (
        targets_of(recording, rows),
        participants_of(recording, rows),
        predict(model, recording, rows),
    )

    def worse(file: Path) -> dict[str, Any]:
        batches = ordered_batches(recording, rows, BATCH)
        ours = np.concatenate([computed(RUNTIMES[to], file, batch.inputs) for batch in batches])
        return {"worse_percent": vars(compare(spec, ours, floats, truth, people)), "worse_unit": worse_unit(spec)}

    return export_for_device(to, folder, model, spec, samples, worse)


def _compared_rows(recording: Recording) -> NDArray[np.int64]:
    """Validation samples by which forms are compared."""
    return spread_evenly(rows_of(recording, "validation"), COMPARED_FRAMES)


def bytes_of(spec: Spec) -> int:
    """Of one sample as it is stored."""
    return sum(int(np.prod(one.shape)) * np.dtype(one.dtype).itemsize for one in spec.inputs)


def _with_onnx(folder: Path, model: FeatureHead, spec: Spec, samples: Samples, again: bool) -> float:
    """Have a model.onnx that equals the model: the largest difference, as a fraction of the largest output."""
    file, fed = folder / ONNX, samples.fed(spec)
    if again or not file.is_file():
        return export_checked(model, spec, file, fed).parity
    with understood(file, REMOVE):
        parity = onnx_parity(model, open_session(file), fed)
    if parity > PARITY_LIMIT:
        raise InputError(f"{file}: is not of {folder / WEIGHTS_FILE}: outputs differ by {parity:.1e} of the largest.")
    return parity
