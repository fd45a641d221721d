"""The 8-bit file of a student: in the form that is fastest here and as good as the float model, or with its weights alone in 8
bits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx

from xgaze.artifacts import atomic_path
from xgaze.compression.export.computed_in_floats import FORMS, Form
from xgaze.compression.export.mirrored_weights import turn_when_loaded, write_out_turned
from xgaze.compression.export.onnx import open_session, paired_ratio
from xgaze.compression.export.packed_weights import pack_weights
from xgaze.compression.export.quantise import open_onnx, predict_onnx, quantise_onnx
from xgaze.compression.export.samples import spread_evenly
from xgaze.compression.export.slim import slimmest
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, participants_of, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.score import compare, worse_unit

ALLOWED = 0.5
"""By how much, in % of its error or in points, a form may be worse than the float model: the upper end on validation people."""
TIMED_FRAMES = 16
"""To be timed a form need not be calibrated well."""
JUDGED_FRAMES = 960
ROUNDS, EACH = 10, 10
WEIGHTS_ALONE = "weights in 8 bits, computed with in floats"


@dataclass(frozen=True)
class TriedForm:
    """words: what computes in 8 bits. time_ratio: to the float model's time, measured in turn. worse_percent: than the float
    model, on validation people; None where that was not asked, since the form is no faster."""

    words: str
    time_ratio: Interval
    worse_percent: Interval | None = None

    @property
    def holds(self) -> bool:
        return self.worse_percent is not None and self.worse_percent.upper <= ALLOWED

    def to_json(self) -> dict[str, Any]:
        worse = None if self.worse_percent is None else vars(self.worse_percent)
        return {"words": self.words, "time_ratio": vars(self.time_ratio), "worse_percent": worse}


@dataclass(frozen=True)
class EightBits:
    """words: of the form that the file has. tried: the forms that compute in 8 bits, fastest first, as far as was asked. unit: of
    `ALLOWED`."""

    words: str
    tried: tuple[TriedForm, ...]
    unit: str = "%"

    @property
    def note(self) -> str:
        """Why the file does not compute in 8 bits, where it does not; else nothing."""
        if self.words != WEIGHTS_ALONE:
            return ""
        if not self.tried:
            return "onnxruntime cannot compute it in 8 bits, or there are no validation people to judge it."
        fastest = self.tried[0]
        worse = "" if fastest.worse_percent is None else f" and is {fastest.worse_percent} {self.unit} worse"
        return (
            f"No form that computes in 8 bits is faster here and at most {ALLOWED:g} {self.unit} worse: the fastest takes "
            f"{fastest.time_ratio.mean:.2f} times the time{worse}."
        )

    def to_json(self) -> dict[str, Any]:
        return {"form": self.words, "tried": [one.to_json() for one in self.tried], "note": self.note}


def write_eight_bits(source: Path, recording: Recording, target: Path) -> EightBits:
    """Write the 8-bit file `target` of the float model `source`: of the forms that are faster than it here, the fastest that is
    at most `ALLOWED` worse on validation people; else with its weights alone in 8 bits, as fast as the float model.

    Raises InputError if that is no ONNX file."""
    unit, tried = worse_unit(recording.spec), list[TriedForm]()
    timed = sorted(_timed(source, recording), key=lambda one: one[1].mean)
    for form, ratio in timed:
        worse = _worse(source, recording, target, form) if ratio.upper < 1 else None
        tried.append(TriedForm(form.words, ratio, worse))
        if tried[-1].holds:
            return EightBits(form.words, tuple(tried), unit)
    pack_alone(source, target)
    return EightBits(WEIGHTS_ALONE, tuple(tried), unit)


def pack_alone(source: Path, target: Path) -> None:
    """Write the float model with its larger weights in 8 bits. Raises InputError if it is no ONNX file."""
    packed = turn_when_loaded(pack_weights(write_out_turned(open_onnx(source))))
    with atomic_path(target) as temporary:
        onnx.save(slimmest(packed), temporary)


def _timed(source: Path, recording: Recording) -> Iterator[tuple[Form, Interval]]:
    """The forms that onnxruntime can make, each once, and their times over the float model's."""
    judging, train = rows_of(recording, "validation"), rows_of(recording, "train")
    graph, seen = write_out_turned(open_onnx(source)).graph, set[frozenset[str]]()
    with TemporaryDirectory() as folder:
        for form in FORMS if len(judging) else ():
            floats, file = frozenset(form.excluded(graph)), Path(folder) / "form.onnx"
            if floats in seen or len(floats) == len(graph.node):
                continue
            seen.add(floats)
            try:
                quantise_onnx(source, recording, train, file, TIMED_FRAMES, form=form)
                one = next(iter(ordered_batches(recording, judging[:1]))).inputs
                yield form, paired_ratio(open_session(file), open_session(source), one, ROUNDS, EACH)
            except InputError:  # it cannot be quantised so
                continue


def _worse(source: Path, recording: Recording, target: Path, form: Form) -> Interval:
    """Of the form, calibrated well and left in `target`."""
    quantise_onnx(source, recording, rows_of(recording, "train"), target, form=form)
    rows = spread_evenly(rows_of(recording, "validation"), JUDGED_FRAMES)
    ours, floats = (predict_onnx(file, recording, rows) for file in (target, source))
    return compare(recording.spec, ours, floats, targets_of(recording, rows), participants_of(recording, rows))
