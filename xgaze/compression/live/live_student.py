"""The student with some samples and the teacher's predictions of them, as the report's page runs it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from xgaze.compression.export.c99.network import Network, UnknownLayer
from xgaze.compression.export.c99.operations import read_network
from xgaze.compression.export.c99.quantised import int8_program, last_layers
from xgaze.compression.export.c99.ranges import Ranges, measured_ranges, steps_of_all
from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.c99.steps import Program, float_program
from xgaze.compression.export.firmware import RANGES_FILE, c_folder
from xgaze.compression.export.onnx import PARITY_LIMIT, onnx_parity, open_session
from xgaze.compression.export.samples import Samples, outputs_of
from xgaze.compression.live.cosine_pictures import decode, encode
from xgaze.compression.live.embedding_directions import as_told, narrowest, strongest_directions
from xgaze.compression.live.float_arithmetic import largest_difference, run_floats
from xgaze.compression.live.page_program import Arrays, Rounding, characters, packed, program_to_json, with_floats
from xgaze.data.contract import (
    InputSpec,
    Recording,
    Spec,
    participants_of,
    rows_of,
    spread_evenly,
    stored_inputs,
    targets_of,
)
from xgaze.errors import InputError
from xgaze.evaluation.score import sample_errors
from xgaze.recorded_targets import BY_TEACHER
from xgaze.report.remedies import DISTILL
from xgaze.stored import read_json, understood

MOST_CHARACTERS = 600_000
"""Of weights, pictures and programs: with the rest of the default recipe's page they stay under 1.5 MB."""
PICTURES_CHARACTERS: dict[Rounding, int] = {"float32": 200_000, "float16": 160_000, "int8": 50_000}
"""What is kept for pictures: before weights are sent more exactly all samples are there, and a large student has fewer."""
SAMPLES, PEOPLE, SEEN_FRAMES = 16, 2, 128
PICTURE_STEPS = (0, 2, 4, 6, 8, 12, 16, 24, 32)
NO_LABELS = "There are no labels, so that the student cannot be shown beside the truth, nor be calibrated, here."
NOT_IN_VIEW = (
    "This page runs students of gaze points in the px of a scene, of classes and of values; this one tells what lies in no "
    "picture."
)
SEVERAL = "This page runs students of one target; this one tells several."
REAL_PEOPLE = (
    "The pictures of this recording are not rendered. This page copies none of real people, and without pictures there is "
    "nothing to try here; `--set explain.pictures_in_page=true` has them copied."
)
NO_PICTURES = "This student reads no pictures, so there is nothing to paint over here."
TRUSTED_PX, TRUSTED_SHARE = 0.01, 1e-4
"""How far a browser's prediction may be from what was computed here: of gaze points, else as a part of the largest output."""
Maps = dict[str, NDArray[Any]]


class NotLive(InputError):
    """Why the page cannot run a student, in words for its reader."""


@dataclass(frozen=True)
class Forms:
    """The student in single precision, its weights as they are sent, and in 8 bits, or why not. scales: of tensors in 8 bits."""

    floats: Program
    rounding: Rounding
    sent: list[Any]
    whole: Program | None
    no_whole: str | None
    scales: dict[str, float]

    @property
    def rounded(self) -> Program:
        return with_floats(self.floats, self.sent)

    def to_json(self, arrays: Arrays) -> dict[str, Any]:
        return {
            "float": program_to_json(self.floats, arrays, self.sent),
            "int8": None if self.whole is None else program_to_json(self.whole, arrays),
            "int8_absent": self.no_whole,
            "weights": self.rounding,
        }


def live_student(
    folder: Path,
    recording: Recording,
    models: dict[str, nn.Module],
    kernels: Collection[str],
    real_people: bool = False,
) -> tuple[dict[str, Any], Maps]:
    """What the page needs to run the student in `folder`, and its arrays by name. Where it cannot be run, or the page has no view
    of what it predicts (it has of gaze points in a scene, of classes and of values), "absent" says why.

    models: "teacher" and "student". kernels: those that the page's interpreter knows. real_people: copy pictures of a recording
    that is not rendered, too.
    """
    try:
        if not _in_view(recording.spec):
            raise NotLive(NOT_IN_VIEW)
        if recording.spec.truth == BY_TEACHER:
            raise NotLive(NO_LABELS)
        if recording.spec.beside:
            raise NotLive(SEVERAL)
        if not any(one.holds_pixels for one in recording.spec.inputs):
            raise NotLive(NO_PICTURES)
        if not (recording.spec.rendered or real_people):
            raise NotLive(REAL_PEOPLE)
        return _live(folder, recording, models, kernels)
    except NotLive as why:
        return {"absent": str(why)}, {}


def _in_view(spec: Spec) -> bool:
    return spec.kind in ("class", "value") or (spec.kind == "gaze" and spec.unit == "px" and bool(spec.scene))


def _live(
    folder: Path, recording: Recording, models: dict[str, nn.Module], kernels: Collection[str]
) -> tuple[dict[str, Any], Maps]:
    network, spec = _network(folder), recording.spec
    seen = _stored(recording, spread_evenly(rows_of(recording, "train"), SEEN_FRAMES))
    floats = float_program(network, spec)
    whole, no_whole, scales = _in_8_bits(folder, network, spec, seen, kernels)
    _require_known(floats, kernels)
    forms = _small_enough(floats, whole, no_whole, scales)
    rows = _shown_rows(recording)
    shown, coded, step = _pictures(_stored(recording, rows), spec, forms)
    _require_equal(folder, models["student"], shown, spec)
    arrays = Arrays()
    found = forms.to_json(arrays) | {
        "absent": None,
        "kind": spec.kind,
        "unit": "" if spec.kind == "class" else spec.unit,
        "picture_step": step,
        "inputs": [_input(one, step) for one in spec.inputs],
    }
    found |= _embedding(folder, forms, spec, seen, arrays)
    found |= _predictions(recording, rows[: len(shown.outputs)], models, shown, forms)
    maps = {f"live/{name}": one for name, one in arrays.named.items()}
    return found, maps | {f"live/input/{name}": one for name, one in coded.items()}


def _input(one: InputSpec, step: int) -> dict[str, Any]:
    """blank: what is stored where a model is to read zero, by channel where means are; coded: whether its pictures are sent as
    cosines."""
    picture = one.holds_pixels
    blank = np.clip(np.rint(one.mean), 0, 255).tolist() if picture else None
    return {
        "name": one.name,
        "shape": list(one.shape),
        "picture": picture,
        "coded": picture and step > 0,
        "blank": blank,
    }


def _network(folder: Path) -> Network:
    try:
        return read_network(folder / "model.onnx")
    except UnknownLayer as error:
        raise NotLive(f"{_unknown(error.kind, error.name)}: {error.why}.") from None
    except InputError as error:
        raise _damaged(folder, error) from None


def _damaged(folder: Path, error: InputError) -> NotLive:
    return NotLive(f"This page cannot run the student: {str(error).replace(f'{folder}/', '')}")


def _unknown(kind: str, name: str) -> str:
    return f"This page cannot run the student, as it does not know its layer '{kind}' ({name})"


def _require_known(program: Program, kernels: Collection[str]) -> None:
    for step in program.steps:
        if step.kernel not in kernels:
            raise NotLive(f"{_unknown(step.kernel, step.node)}.")


def _require_equal(folder: Path, student: nn.Module, shown: Samples, spec: Spec) -> None:
    try:
        with understood(folder / "model.onnx", DISTILL):
            session = open_session(folder / "model.onnx")
    except InputError as error:
        raise _damaged(folder, error) from None
    parity = onnx_parity(student, session, shown.fed(spec))
    if parity > PARITY_LIMIT:
        raise NotLive(
            f"This page cannot run the student: its ONNX file differs from it by {parity:.1e} of the largest."
        )


def _stored(recording: Recording, rows: NDArray[np.int64]) -> Samples:
    return Samples(stored_inputs(recording, rows), np.empty((len(rows), 0), np.float32))


def _in_8_bits(
    folder: Path, network: Network, spec: Spec, seen: Samples, kernels: Collection[str]
) -> tuple[Program | None, str | None, dict[str, float]]:
    """The program, or why there is none, and what a step of each of its tensors is. Its ranges are those of the exported C, if
    there is one."""
    file = c_folder(folder, "int8") / RANGES_FILE
    try:
        ranges: Ranges = read_json(file) if file.is_file() else {}
        if not ranges.keys() >= {layer.output for layer in network.layers}:
            ranges = measured_ranges(folder / "model.onnx", network, spec, seen)
        program = int8_program(network, spec, ranges)
        scales = {name: one.scale for name, one in steps_of_all(network, spec, ranges, last_layers(network)).items()}
        _require_known(program, kernels)
    except NotLive as error:
        return None, str(error), {}
    except InputError as error:
        return None, f"There is no student in 8 bits: {str(error).removesuffix('; give --bits 32.').rstrip('.')}.", {}
    return program, None, scales


def _small_enough(floats: Program, whole: Program | None, no_whole: str | None, scales: dict[str, float]) -> Forms:
    """With weights as exact as fits. Raises NotLive."""
    for rounding, kept in PICTURES_CHARACTERS.items():
        forms = Forms(floats, rounding, packed(floats, rounding, whole), whole, no_whole, scales)
        taken = _characters(forms)
        if taken <= MOST_CHARACTERS - kept:
            return forms
    limit = (MOST_CHARACTERS - kept) // 1000
    raise NotLive(
        f"The student is too large to be run here: it takes {taken // 1000:,} kB of the page, the limit is {limit}."
    )


def _characters(forms: Forms) -> int:
    arrays = Arrays()
    return len(json.dumps(forms.to_json(arrays), separators=(",", ":"))) + characters(arrays.named)


def _shown_rows(recording: Recording) -> NDArray[np.int64]:
    """Test frames: of few people, many of each, so that the reader can calibrate on some and see what the others gain."""
    rows = rows_of(recording, "test")
    people = participants_of(recording, rows)
    each = SAMPLES // PEOPLE
    enough = [one for one in dict.fromkeys(people) if (people == one).sum() >= each]
    if len(enough) < PEOPLE:
        return spread_evenly(rows, SAMPLES)
    chosen = spread_evenly(np.arange(len(enough)), PEOPLE)
    return np.concatenate([spread_evenly(rows[people == enough[k]], each) for k in chosen])


def _pictures(samples: Samples, spec: Spec, forms: Forms) -> tuple[Samples, Maps, int]:
    """The samples as they are shown, as they are sent, and in which steps: as exact as fits, else fewer of them."""
    room = MOST_CHARACTERS - _characters(forms)
    for count in (SAMPLES, SAMPLES // 2, SAMPLES // 4):
        for step in PICTURE_STEPS:
            own = {name: one[:count] for name, one in samples.stored.items()}
            coded = {one.name: _coded(own[one.name], one, step) for one in spec.inputs}
            if characters(coded) <= room:
                shown = {
                    one.name: decode(coded[one.name], own[one.name].shape, step)
                    if step and one.holds_pixels
                    else own[one.name]
                    for one in spec.inputs
                }
                return Samples(shown, samples.outputs[:count]), coded, step
    raise NotLive(
        "The pictures of this recording are too large for this page, and without them there is nothing to try."
    )


def _coded(stored: NDArray[Any], one: InputSpec, step: int) -> NDArray[Any]:
    return encode(stored, step) if step and one.holds_pixels else stored


def _embedding(folder: Path, forms: Forms, spec: Spec, seen: Samples, arrays: Arrays) -> dict[str, Any]:
    tensor = narrowest(forms.floats)
    found = strongest_directions(folder / "model.onnx", tensor, spec, seen) if tensor else None
    if tensor is None or found is None:
        return {"embedding": None}
    whole = forms.whole.tensors.get(tensor) if forms.whole else None
    told = {
        "tensor": tensor,
        "width": found.steps.shape[1],
        "int8_scale": forms.scales[tensor] if whole is not None and whole.kind == "uint8" else None,
        "in_int8": whole is not None,
        "moves": list(found.moves),
        "steps": arrays.name(found.steps),
    }
    return {"embedding": told}


def _predictions(
    recording: Recording, rows: NDArray[np.int64], models: dict[str, nn.Module], shown: Samples, forms: Forms
) -> dict[str, Any]:
    """What the models make of the samples as they are shown."""
    fed = shown.fed(recording.spec)
    teacher, student = (outputs_of(models[role], fed) for role in ("teacher", "student"))
    floats = run_floats(forms.rounded, shown.stored) if forms.rounding != "float32" else student
    whole = None if forms.whole is None else run_reference(forms.whole, shown.stored)
    table, targets = recording.table.iloc[rows], targets_of(recording, rows)
    as_recorded = outputs_of(models["student"], _stored(recording, rows).fed(recording.spec))
    truth = np.asarray(targets, float).reshape(len(rows), -1)
    largest = float(np.abs(floats).max())
    samples = [
        {
            "id": str(table["id"].iloc[k]),
            "group": str(table["group"].iloc[k]),
            "truth": truth[k].tolist(),
            "teacher": teacher[k].astype(float).tolist(),
            "float": floats[k].astype(float).tolist(),
            "int8": None if whole is None else whole[k].astype(float).tolist(),
        }
        for k in range(len(rows))
    ]
    return {
        "samples": samples,
        "trusted": TRUSTED_PX if recording.spec.kind == "gaze" else TRUSTED_SHARE * largest,
        "rounding": largest_difference(as_told(recording.spec, floats), as_told(recording.spec, student)),
        "error_as_recorded": float(sample_errors(recording.spec, as_recorded, targets).mean()),
        "error_as_shown": float(sample_errors(recording.spec, student, targets).mean()),
    }
