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
from xgaze.report.section import Maps, Report, Scripted, Section
from xgaze.stored import Stored

HERE = Path(__file__).parent
INTERPRETER = HERE / "interpreter.js"
FEWEST_SAMPLES = 4
TOO_LARGE = (
    "With the student in it this page would be larger than 1.5 MB, so it is not run here. Explain fewer samples."
)
IN_WORDS = {
    "float32": "Its weights are those of the model, in single precision.",
    "float16": "Its weights are rounded to 16 bits, which keeps the page small",
    "int8": "Its weights are rounded to 8 bits with one scale per output, which keeps the page small; it computes in floats",
}


Point = list[float]


class Sample(Stored):
    """A test sample, and what is predicted for it as it is shown, px."""

    id: str
    group: str
    truth: Point
    teacher: Point
    float: Point
    int8: Point | None


class Live(Stored):
    """absent: why there is nothing to run."""

    absent: str | None
    samples: list[Sample] = Field(default_factory=list)


@cache
def kernels_known() -> frozenset[str]:
    """What the page's interpreter can compute."""
    return frozenset(re.findall(r"^    (\w+): \(p, ", INTERPRETER.read_text("utf-8"), re.M))


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
        told += f" and moves no prediction of these samples by more than {tiny(live['rounding_px'])} px."
    words = [f"{told} {_in_8_bits(live)}"]
    if live["picture_step"]:
        words.append(
            f"The pictures are stored in steps of {live['picture_step']} grey levels per frequency, so that the page stays "
            f"small, and what is predicted here is of them: on these {count(len(live['samples']))} samples the student is "
            f"{number(live['error_as_shown_px'])} px off, on the pictures as recorded {number(live['error_as_recorded_px'])} px."
        )
    return words


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
        "live": {key: value for key, value in live.items() if key != "absent"},
        "arrays": {name: _sent(one) for name, one in arrays.items()},
        "stored": {one["name"]: _sent(_of_first(stored[one["name"]], one, known)) for one in live["inputs"]},
    }
    return {"data": Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")), "live": live}


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
    words=_words,
    shows=_shows,
    template=HERE / "live_student.html",
    scripted=Scripted((INTERPRETER, HERE / "live_student.js"), HERE / "live_student.css", _ready, _smaller),
)
