"""Try the student: it runs in the page, on pictures that the reader may change."""

import base64
import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from pydantic import Field

from xgaze.report.drawing.format import count, number, tiny
from xgaze.report.section import Maps, Report, Run, Scripted, Section
from xgaze.stored import Stored
from xgaze.units import digits_of

HERE = Path(__file__).parent
INTERPRETER = HERE / "interpreter.js"
SCRIPTS = (INTERPRETER, HERE / "live_views.js", HERE / "live_student.js")
FEWEST_SAMPLES = 4
TOO_LARGE = (
    "With the student in it this page would be larger than 1.5 MB, so it is not run here. Explain fewer samples."
)
OLDER = "This explanation is of an older version; `xgaze explain --force` lets this page run the student."
ASKED = {
    "gaze": "where the student then thinks that the person looks",
    "class": "how likely the student then finds each class",
    "value": "what the student then predicts",
}
MOVED = {"gaze": "the point", "class": "the probability that moves most", "value": "the prediction"}
IN_WORDS = {
    "float32": "Its weights are those of the model, in single precision.",
    "float16": "Its weights are rounded to 16 bits, which keeps the page small",
    "int8": "Its weights are rounded to 8 bits with one scale per output, which keeps the page small; it computes in floats",
}


Output = list[float]


class Sample(Stored):
    """A test sample, and what is put out for it as it is shown: a gaze point, a value, or a number for each class, of which the
    truth is the place."""

    id: str
    group: str
    truth: Output
    teacher: Output
    float: Output
    int8: Output | None


class Live(Stored):
    """absent: why there is nothing to run."""

    absent: str | None
    samples: list[Sample] = Field(default_factory=list)


@cache
def kernels_known() -> frozenset[str]:
    """What the page's interpreter can compute."""
    return frozenset(re.findall(r"^    (\w+): \(p, ", INTERPRETER.read_text("utf-8"), re.M))


def _gather(run: Run) -> Report:
    live = run.explanation.get("live")
    older = live is not None and live["absent"] is None and "kind" not in live
    return {"live": {"absent": OLDER} if older else live}


def _ready(report: Report) -> bool:
    live = report.get("live") or {"absent": "", "samples": []}
    return live["absent"] is None and bool(live["samples"])


def _smaller(report: Report) -> Report | None:
    """Half the samples, and in the end none."""
    samples = report["live"]["samples"]
    kept = samples[: len(samples) // 2] if len(samples) // 2 >= FEWEST_SAMPLES else []
    return {**report, "live": {**report["live"], "samples": kept, "absent": None if kept else TOO_LARGE}}


def _words(report: Report) -> list[str]:
    live = report["live"]
    if live["absent"] is not None:
        return [live["absent"]]
    told = IN_WORDS[live["weights"]]
    if live["weights"] != "float32":
        told += f" and moves no prediction of these samples by more than {tiny(live['rounding'])} {_unit(live)}."
    words = [f"{told} {_in_8_bits(live)}"]
    if live["picture_step"]:
        words.append(
            f"The pictures are stored in steps of {live['picture_step']} grey levels per frequency, so that the page stays "
            f"small, and what is predicted here is of them: on these {count(len(live['samples']))} samples {_as_shown(live)}."
        )
    return words


def _unit(live: dict[str, Any]) -> str:
    return "points of percent" if live["kind"] == "class" else str(live["unit"])


def _as_shown(live: dict[str, Any]) -> str:
    """How well the student does on pictures as they are shown, and as they were recorded."""
    shown, recorded = live["error_as_shown"], live["error_as_recorded"]
    if live["kind"] == "class":
        own, other = (number(100 * (1 - one)) for one in (shown, recorded))
        return f"the student gives the true class {own} % on the average, on the pictures as recorded {other} %"
    own, other = (_measured(one, live["unit"]) for one in (shown, recorded))
    return f"the student is {own} off, on the pictures as recorded {other}"


def _measured(error: float, unit: str) -> str:
    return f"{number(error, digits_of(unit))} {unit}"


def _columns(live: dict[str, Any]) -> tuple[str, ...]:
    """Of the table of figures, after the model's name; a view in live_views.js fills them."""
    if live["kind"] == "gaze":
        return "x, px", "y, px", "off by, px"
    if live["kind"] == "class":
        return "class", "sure, %", "true class, %"
    return f"value, {live['unit']}", f"off by, {live['unit']}"


def _in_8_bits(live: dict[str, Any]) -> str:
    if live["int8"] is None:
        return str(live["int8_absent"])
    return "In 8 bits it computes in whole numbers, as its exported C file does, to the bit."


def _shows(report: Report, maps: Maps) -> dict[str, Any]:
    live = report["live"]
    if not _ready(report):
        return {"data": None, "live": live}
    known = len(live["samples"])
    arrays = {name.removeprefix("live/"): one for name, one in maps.items() if name.startswith("live/")}
    stored = {name.removeprefix("input/"): arrays.pop(name) for name in list(arrays) if name.startswith("input/")}
    data = {
        "scene": report["scene"],
        "classes": report["classes"],
        "digits": digits_of(live["unit"]),
        "live": {key: value for key, value in live.items() if key != "absent"},
        "arrays": {name: _sent(one) for name, one in arrays.items()},
        "stored": {one["name"]: _sent(_of_first(stored[one["name"]], one, known)) for one in live["inputs"]},
    }
    return {
        "data": Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")),
        "live": live,
        "columns": _columns(live),
        "asked": ASKED[live["kind"]],
        "moved": MOVED[live["kind"]],
    }


def _of_first(stored: NDArray[Any], given: dict[str, Any], samples: int) -> NDArray[Any]:
    """The first samples of an input: (n, *shape), or pictures in cosines (2, 8, 8, blocks)."""
    if not given["coded"]:
        return stored[:samples]
    channels, height, width = given["shape"]
    return stored[..., : samples * channels * -(-height // 8) * -(-width // 8)]


def _sent(values: NDArray[Any]) -> tuple[str, str]:
    flat = np.ascontiguousarray(values)
    return flat.dtype.name, base64.b64encode(zlib.compress(flat.tobytes())).decode()


SECTION = Section(
    name="live",
    place=15,
    label="Try the student",
    reads={"live": Live | None},
    gather=_gather,
    words=_words,
    shows=_shows,
    template=HERE / "live_student.html",
    scripted=Scripted(SCRIPTS, HERE / "live_student.css", _ready, _smaller),
)
