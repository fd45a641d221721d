"""The 8-bit file of a student: in the form that is fastest here and as good as the float model, tuned as that form computes
where no form is as good, or with its weights alone in 8 bits."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import Tensor

from xgaze.artifacts import atomic_path
from xgaze.compression.export.computed_in_floats import ALL, FORMS, Form
from xgaze.compression.export.mirrored_weights import turn_when_loaded, write_out_turned
from xgaze.compression.export.onnx import INT8_LIMIT, measure_latency_ms, open_session, paired_ratio
from xgaze.compression.export.packed_weights import pack_weights
from xgaze.compression.export.quantise import FRAMES, open_onnx, predict_onnx, quantise_onnx
from xgaze.compression.export.slim import slimmest
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, participants_of, rows_of, spread_evenly, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.score import compare, worse_unit
from xgaze.progress import Advance, progress_bar

if TYPE_CHECKING:
    from xgaze.compression.export.rounding.rounded_tuning import Ask, Lessons

ALLOWED = 0.5
"""By how much, in % of its error or in points, a form may be worse than the float model: the upper end on validation people."""
TIMED_FRAMES = 16
"""To be timed a form need not be calibrated well."""
JUDGED_FRAMES, MOST_JUDGED = 960, 16_000
"""Where those leave open whether a form holds, the most that are asked."""
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
class Cost:
    """Of an 8-bit file: its size, the median of its time for one sample, and how much worse it is than the float model, on
    validation people."""

    bytes: int
    ms: float
    worse_percent: Interval


@dataclass(frozen=True)
class Tuned:
    """A form before and after the weights were tuned as it computes; fault: why they were not. kept: whether the file is made
    of them."""

    words: str
    epochs: int
    before: Cost
    after: Cost | None = None
    kept: bool = False
    fault: str = ""

    def note(self, unit: str) -> str:
        """In one sentence."""
        if self.after is None:
            return f"It was not tuned in 8 bits: {self.fault.rstrip('.')}."
        epochs, before, after = f"{self.epochs} epoch{'s' * (self.epochs > 1)}", self.before.worse_percent, self.after
        return f"Tuned in 8 bits for {epochs}: {before} {unit} worse than floats before, {after.worse_percent} after."


@dataclass(frozen=True)
class EightBits:
    """words: of the form that the file has. tried: the forms that compute in 8 bits, fastest first, as far as was asked.
    worse_percent: of the file, than the float model on validation people; None where there are none. unit: of it. tuned: the
    form that was tuned, where one was. rearranged: whether its convolutions are, see `quick_filters`."""

    words: str
    tried: tuple[TriedForm, ...]
    worse_percent: Interval | None = None
    unit: str = "%"
    tuned: Tuned | None = None
    rearranged: bool = False

    @property
    def note(self) -> str:
        """Why the file does not compute in 8 bits, where it does not, and what tuning gave, where it was tuned."""
        tuned = "" if self.tuned is None else self.tuned.note(self.unit)
        return " ".join(one for one in (self._refusal, tuned) if one)

    @property
    def _refusal(self) -> str:
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
        told = {"form": self.words, "tried": tried, "note": self.note, "worse_than_floats_percent": worse}
        return told | {"tuned": self.tuned and asdict(self.tuned), "rearranged": self.rearranged}


def write_eight_bits(source: Path, recording: Recording, target: Path, ask: "Ask | None" = None) -> EightBits:
    """Write the 8-bit file `target` of the float model `source`: of the forms that are faster than it here, the fastest that is
    at most `ALLOWED` worse on validation people; else the one of them that loses least, tuned as it computes, if it is then; else
    with its weights alone in 8 bits, as fast as the float model. ask: for what to tune it on. `source` stays as it is: what is
    tuned is the file's own weights.

    Raises InputError if that is no ONNX file; nothing else is left in place of `target` then."""
    with TemporaryDirectory() as folder, progress_bar("trying forms in 8 bits") as advance:
        made = Path(folder) / "made.onnx"
        found = _best_form(_Asked(source, recording, made, advance), ask)
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
    def more_rows(self) -> NDArray[np.int64]:
        """By which a form is judged that those leave open."""
        return spread_evenly(rows_of(self.recording, "validation"), MOST_JUDGED)

    @cached_property
    def floats(self) -> NDArray[np.float32]:
        return predict_onnx(self.source, self.recording, self.rows)

    @cached_property
    def more_floats(self) -> NDArray[np.float32]:
        return predict_onnx(self.source, self.recording, self.more_rows)

    @cached_property
    def rearranged(self) -> bool:
        """Whether convolutions that are rearranged are faster here; asked of the form with most of them in 8 bits."""
        own, other = self.made, self.made.with_name("plain.onnx")
        try:
            self.make(ALL, self.source, TIMED_FRAMES, rearranged=False)
            own.replace(other)
            self.make(ALL, self.source, TIMED_FRAMES, rearranged=True)
            if own.read_bytes() == other.read_bytes():
                return False
            return paired_ratio(open_session(own), open_session(other), self.one, ROUNDS, EACH).mean < 1
        except (OSError, MemoryError):  # no fault of the form's
            raise
        except Exception:  # as in `_timed`
            return False

    def make(self, form: Form, source: Path, frames: int = FRAMES, rearranged: bool | None = None) -> None:
        """Write a form of the model `source`."""
        quick = self.rearranged if rearranged is None else rearranged
        train = rows_of(self.recording, "train")
        quantise_onnx(source, self.recording, train, self.made, frames, form=form, rearranged=quick)

    def worse(self) -> Interval | None:
        """Of what was made; by more people and frames where the upper end alone is too large."""
        if not len(self.rows):
            return None
        found = self._worse(self.rows, self.floats)
        is_open = found.mean <= ALLOWED < found.upper
        return (
            self._worse(self.more_rows, self.more_floats) if is_open and len(self.more_rows) > len(self.rows) else found
        )

    def _worse(self, rows: NDArray[np.int64], floats: NDArray[np.float32]) -> Interval:
        ours = predict_onnx(self.made, self.recording, rows)
        truth, people = targets_of(self.recording, rows), participants_of(self.recording, rows)
        return compare(self.recording.spec, ours, floats, truth, people)

    def calibrated(self, form: Form) -> Interval | None:
        """How much worse a form is, made as well as it can be."""
        self.make(form, self.source)
        return self.worse()

    def cost(self, form: Form, source: Path) -> Cost:
        """Of a form of the model `source`, as well as it can be made."""
        self.make(form, source)
        worse = self.worse()
        assert worse is not None  # only forms that were judged are tuned
        return Cost(self.made.stat().st_size, measure_latency_ms(open_session(self.made), self.one).median, worse)

    @property
    def one(self) -> tuple[Tensor, ...]:
        """A sample by which forms are timed."""
        return next(iter(ordered_batches(self.recording, self.rows[:1]))).inputs

    def is_near(self) -> bool:
        """Whether what was made still puts out about what the float model does, as `xgaze verify` will ask."""
        apart = np.abs(predict_onnx(self.made, self.recording, self.rows) - self.floats).max()
        return bool(apart <= INT8_LIMIT * np.abs(self.floats).max())


def _best_form(asked: _Asked, ask: "Ask | None") -> EightBits:
    unit, tried = worse_unit(asked.recording.spec), list[TriedForm]()
    timed = sorted(_timed(asked), key=lambda one: one[1].mean)
    for done, (form, ratio) in enumerate(timed):
        tried.append(TriedForm(form.words, ratio, asked.calibrated(form) if ratio.upper < 1 else None))
        asked.advance(len(FORMS) + done + 1, 2 * len(FORMS))
        if tried[-1].holds:
            return EightBits(form.words, tuple(tried), tried[-1].worse_percent, unit, rearranged=asked.rearranged)
    judged = [one for one in tried if one.worse_percent is not None and one.worse_percent.high is not None]
    tuned = None
    lessons = ask() if ask is not None and judged else None
    if lessons is not None:
        least = min(judged, key=lambda one: one.worse_percent.upper)  # type: ignore[union-attr]
        tuned = _tuned(asked, next(form for form, _ in timed if form.words == least.words), lessons)
        if tuned.kept:
            assert tuned.after is not None
            worse, words = tuned.after.worse_percent, f"{least.words}, tuned so"
            return EightBits(words, tuple(tried), worse, unit, tuned, asked.rearranged)
    pack_alone(asked.source, asked.made)
    return EightBits(WEIGHTS_ALONE, tuple(tried), asked.worse(), unit, tuned)


def _tuned(asked: _Asked, form: Form, lessons: "Lessons") -> Tuned:
    """What tuning gives this form; where it is kept, its file is what was made. One that is tuned is as fast as before: it
    differs in numbers alone."""
    from xgaze.compression.export.rounding.rounded_tuning import tune_rounded  # Lightning takes a second

    before, file = asked.cost(form, asked.source), asked.made.with_name("tuned.onnx")
    try:
        tune_rounded(asked.source, asked.recording, rows_of(asked.recording, "train"), form, lessons, file)
    except InputError as fault:
        return Tuned(form.words, lessons.epochs, before, fault=str(fault))
    after = asked.cost(form, file)
    better = after.worse_percent.upper <= min(ALLOWED, before.worse_percent.upper)
    return Tuned(form.words, lessons.epochs, before, after, kept=better and asked.is_near())


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
            asked.make(form, asked.source, TIMED_FRAMES)
            ratio = paired_ratio(open_session(asked.made), open_session(asked.source), asked.one, ROUNDS, EACH)
        except (OSError, MemoryError):  # no fault of the form's
            raise
        except Exception:  # onnxruntime raises what it likes at forms that it cannot make, or makes and cannot run
            continue
        yield form, ratio
