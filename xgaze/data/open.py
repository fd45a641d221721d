"""Open whatever a data section describes, for training or for prediction."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from xgaze.data.checks.mixed_units import mixed_units_of
from xgaze.data.contract import Recording, Spec
from xgaze.data.fault_kinds import raise_faults
from xgaze.data.missing_views import require_met
from xgaze.data.source import source_of
from xgaze.data.splits import assert_disjoint
from xgaze.data.teacher_truth import told_by
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import Data, load_data

DEFINITIONS = (".yaml", ".yml")


def open_recording(data: Data, progress: Advance | None = None) -> Recording:
    """The recording a data section describes; no participant is in two splits. Raises InputError with all faults that
    show without decoding pictures, and where some people's labels are in another unit than those of most. Where the teacher is to
    say what is true, labels are hidden: see `judged_by_stored`."""
    recording = source_of(data).open(data, progress)
    assert_disjoint(recording.table)
    judged = told_by(data, recording)
    raise_faults(Path(getattr(data, "path", data.source)), mixed_units_of(judged))
    return judged


def open_for_prediction(path: Path, spec: Spec, data: Data) -> Recording:
    """What a model with `spec`, trained on `data`, shall predict on.

    path: a definition or recipe (YAML), or files in the format the model was trained on, such as a folder of sessions, or a
    single session. The model's own recording keeps its splits. Labels may be missing: NaN, or -1; where a teacher is to say what
    is true, they are.
    Samples are normalised as the model was trained. Raises InputError, also when inputs differ from the model's.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if path.suffix.lower() in DEFINITIONS:
        told = load_data(path)
        recording = told_by(told, source_of(told).for_prediction(told, spec, data))
    else:
        recording = told_by(data, source_of(data).files_for_prediction(path, data, spec))
    assert_disjoint(recording.table)
    return as_trained(recording, spec, str(path))


def as_trained(recording: Recording, spec: Spec, what: str) -> Recording:
    """A recording as a model with `spec` reads it: of its inputs and target, and normalised like its own. Raises InputError,
    naming `what` was asked and saying both."""
    own = recording.spec
    facts: list[tuple[str, Any, Any]] = [
        ("inputs", _inputs(own), _inputs(spec)),
        ("target", _target(own), _target(spec)),
        ("targets beside", _beside(own), _beside(spec)),
        ("scene", _scene(own), _scene(spec)),
        ("classes", ", ".join(own.classes), ", ".join(spec.classes)),
    ]
    for fact, found, wanted in facts:
        if found != wanted:
            raise InputError(f"{what}: {fact} {found}, but the model was trained with {fact} {wanted}.")
    require_met(recording, spec, what)
    told = replace(own, inputs=spec.inputs, classes=spec.classes, beside=spec.beside, spread=spec.spread)
    return recording.with_spec(told)


def _inputs(spec: Spec) -> str:
    """Names and shapes; the order of cameras does not matter, since samples hold them by name."""
    return ", ".join(sorted(f"{one.name} {'x'.join(map(str, one.shape))}" for one in spec.inputs))


def _target(spec: Spec) -> str:
    return f"{spec.kind} in {spec.unit}" if spec.kind in ("gaze", "angle") else spec.kind


def _beside(spec: Spec) -> str:
    return ", ".join(f"{one.name} in {one.unit or 'no unit'}" for one in spec.beside) or "none"


def _scene(spec: Spec) -> str:
    return f"{spec.scene[0]}x{spec.scene[1]} px" if spec.scene else "none"
