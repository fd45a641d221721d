"""The 8-bit file of a student: in the form that is fastest here and as good as the float model, or with its weights alone in 8
bits."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from xgaze.artifacts import atomic_path
from xgaze.compression.export.computed_in_floats import FORMS, Form
from xgaze.compression.export.mirrored_weights import turn_when_loaded, write_out_turned
from xgaze.compression.export.onnx import open_session, paired_ratio
from xgaze.compression.export.packed_weights import pack_weights
from xgaze.compression.export.quantise import open_onnx, predict_onnx, quantise_onnx
from xgaze.compression.export.slim import slimmest
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, participants_of, rows_of, spread_evenly, targets_of
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.score import compare, worse_unit
from xgaze.progress import Advance, progress_bar

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
    """words: of the form that the file has. tried: the forms that compute in 8 bits, fastest first, as far as was asked.
    worse_percent: of the file, than the float model on validation people; None where there are none. unit: of it."""

    words: str
    tried: tuple[TriedForm, ...]
    worse_percent: Interval | None = None
    unit: str = "%"

    @property
    def note(self) -> str:
        """Why the file does not compute in 8 bits, where it does not; else nothing."""
        if self.words != WEIGHTS_ALONE:
            return ""
        if not self.tried:
            return "onnxruntime cannot compute it in 8 bits, or nobody is there to calibrate and judge it."
        fastest = self.tried[0]
        worse = "" if fastest.worse_percent is None else f" and is {fastest.worse_percent} {self.unit} worse"
        return (
            f"No form that computes in 8 bits is surely faster here and at most {ALLOWED:g} {self.unit} worse: the fastest takes "
            f"{fastest.time_ratio.mean:.2f} times the time{worse}."
        )

    def to_json(self) -> dict[str, Any]:
        worse = None if self.worse_percent is None else vars(self.worse_percent)
        tried = [one.to_json() for one in self.tried]
        return {"form": self.words, "tried": tried, "note": self.note, "worse_than_floats_percent": worse}


def write_eight_bits(source: Path, recording: Recording, target: Path) -> EightBits:
    """Write the 8-bit file `target` of the float model `source`: of the forms that are faster than it here, the fastest that is
    at most `ALLOWED` worse on validation people; else with its weights alone in 8 bits, as fast as the float model.

    Raises InputError if that is no ONNX file; nothing else is left in place of `target` then."""
    with TemporaryDirectory() as folder, progress_bar("trying forms in 8 bits") as advance:
        made = Path(folder) / "made.onnx"
        found = _best_form(_Asked(source, recording, made, advance))
        with atomic_path(target) as temporary:
            temporary.write_bytes(made.read_bytes())
    return found


def computes_in_8_bits(file: Path) -> bool:
    """Whether any layer of an 8-bit file does. Raises InputError if it is no ONNX file."""
    return any(node.op_type == "DequantizeLinear" for node in open_onnx(file).graph.node)


def pack_alone(source: Path, target: Path) -> None:
    """Write the float model with its larger weights in 8 bits. Raises InputError if it is no ONNX file."""
    packed = turn_when_loaded(pack_weights(write_out_turned(open_onnx(source))))
    with atomic_path(target) as temporary:
        onnx.save(slimmest(packed), temporary)


@dataclass(frozen=True)
class _Asked:
    """source: the float model; made: where forms of it are written, one in the place of the other."""

    source: Path
    recording: Recording
    made: Path
    advance: Advance

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """By which forms are judged."""
        return spread_evenly(rows_of(self.recording, "validation"), JUDGED_FRAMES)

    @cached_property
    def floats(self) -> NDArray[np.float32]:
        return predict_onnx(self.source, self.recording, self.rows)

    def worse(self) -> Interval | None:
        """Of what was made."""
        if not len(self.rows):
            return None
        ours = predict_onnx(self.made, self.recording, self.rows)
        truth, people = targets_of(self.recording, self.rows), participants_of(self.recording, self.rows)
        return compare(self.recording.spec, ours, self.floats, truth, people)

    def calibrated(self, form: Form) -> Interval | None:
        """How much worse a form is, made as well as it can be."""
        quantise_onnx(self.source, self.recording, rows_of(self.recording, "train"), self.made, form=form)
        return self.worse()


def _best_form(asked: _Asked) -> EightBits:
    unit, tried = worse_unit(asked.recording.spec), list[TriedForm]()
    timed = sorted(_timed(asked), key=lambda one: one[1].mean)
    for done, (form, ratio) in enumerate(timed):
        tried.append(TriedForm(form.words, ratio, asked.calibrated(form) if ratio.upper < 1 else None))
        asked.advance(len(FORMS) + done + 1, 2 * len(FORMS))
        if tried[-1].holds:
            return EightBits(form.words, tuple(tried), tried[-1].worse_percent, unit)
    pack_alone(asked.source, asked.made)
    return EightBits(WEIGHTS_ALONE, tuple(tried), asked.worse(), unit)


def _timed(asked: _Asked) -> Iterator[tuple[Form, Interval]]:
    """The forms that onnxruntime can make and run, each once, and their times over the float model's."""
    train = rows_of(asked.recording, "train")
    graph, seen = write_out_turned(open_onnx(asked.source)).graph, set[frozenset[str]]()
    for done, form in enumerate(FORMS if len(asked.rows) and len(train) else ()):
        asked.advance(done, 2 * len(FORMS))
        floats = frozenset(form.excluded(graph))
        if floats in seen or len(floats) == len(graph.node):
            continue
        seen.add(floats)
        try:
            quantise_onnx(asked.source, asked.recording, train, asked.made, TIMED_FRAMES, form=form)
            one = next(iter(ordered_batches(asked.recording, asked.rows[:1]))).inputs
            ratio = paired_ratio(open_session(asked.made), open_session(asked.source), one, ROUNDS, EACH)
        except (OSError, MemoryError):  # no fault of the form's
            raise
        except Exception:  # onnxruntime raises what it likes at forms that it cannot make, or makes and cannot run
            continue
        yield form, ratio
