"""The student's file in 8 bits: its form, what it takes, what it loses, and the forms that were tried."""

from typing import Any

from pydantic import Field

from xgaze.report.drawing.format import DASH, lasting, number, percent, percent_interval, score, size, span, worse_unit
from xgaze.report.drawing.tables import Cell, Table
from xgaze.report.schemas import Error, Interval, Latency
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored

KEY = "eight_bits"
MOST_WORSE = 0.5
"""As `eight_bits.ALLOWED`, which takes torch to be read."""


class Tried(Stored):
    words: str
    time_ratio: Interval
    worse_percent: Interval | None


class EightBitsFile(Stored):
    """Of a card's figures: see `Int8Report` and `EightBits`. Older versions stored less."""

    bytes: int
    latency_ms: Latency
    float_bytes: int | None = None
    float_latency_ms: Latency | None = None
    time_ratio: Interval | None = None
    error: Error | None = None
    difference_percent: Interval | None = None
    form: str = ""
    note: str = ""
    tried: list[Tried] = Field(default_factory=list)
    rearranged: bool = False


def eight_bits_in_words(report: Report, whose: str = "In 8 bits its file") -> str:
    """As "In 8 bits its file has 74 kB, takes 1.9 ms per sample (2.3 times as fast as in floats) and is +0.2 % worse than in
    floats (95 % interval over people: +0.1 % to +0.3 %)."; empty where there is no such file."""
    found, unit = report.get(KEY), worse_unit(report)
    if not found:
        return ""
    ratio, lost = found.get("time_ratio"), found.get("difference_percent")
    beside = f" ({lasting(1 / ratio['mean'])} as in floats)" if ratio else ""
    taken = f"takes {number(found['latency_ms']['median'], 2)} ms per sample{beside}"
    told = f"{whose} has {size(found['bytes'])}, {taken}"
    if lost is None:
        return f"{told}."
    ends = f"95 % interval over {groups_in_words(report)}: {percent_interval(lost, unit)}"
    return f"{told} and loses {percent(lost['mean'], unit)} against floats ({ends})."


def _words(report: Report) -> list[str]:
    found = report[KEY]
    form = f"Form: {found['form']}. {found.get('note') or ''}".strip() if found.get("form") else ""
    quick = "Its convolutions are rearranged into products that are faster here; they add up the same numbers."
    how = "The file is model.int8.onnx, run by onnxruntime on one thread, one sample at a time."
    return [one for one in (eight_bits_in_words(report), form, quick if found.get("rearranged") else "", how) if one]


def _files(report: Report) -> Table:
    """In floats and in 8 bits."""
    found, student, unit = report[KEY], report["student"], report["score"]["unit"]
    floats = found.get("float_latency_ms") or student["latency_ms"]
    scored = [
        one and f"{score(one['mean'], one['unit'])} ({span(one)})" for one in (student["error"], found.get("error"))
    ]
    rows = [
        ("model.onnx", found.get("float_bytes") or student["onnx_bytes"], floats, scored[0]),
        ("model.int8.onnx", found["bytes"], found["latency_ms"], scored[1]),
    ]
    cells = tuple(
        (
            Cell(name),
            Cell(size(taken), taken) if taken else Cell(DASH, -1),
            Cell(number(time["median"], 2), time["median"]) if time else Cell(DASH, -1),
            Cell(error or DASH),
        )
        for name, taken, time, error in rows
    )
    columns = ("file", "size", "ms per sample", f"{report['score']['name']}, {unit} (95 % interval)")
    return Table("In floats and in 8 bits", columns, cells, frozenset({0, 3}), sorts=False)


def _tried(report: Report) -> Table:
    """The forms, fastest first."""
    unit, own = worse_unit(report), report[KEY]["form"]
    cells = tuple(
        (
            Cell(one["words"], look="long"),
            Cell(f"{number(one['time_ratio']['mean'], 2)} ({span(one['time_ratio'], 2)})", one["time_ratio"]["mean"]),
            Cell(_lost(one["worse_percent"], unit)),
            Cell(_verdict(one, own)),
        )
        for one in report[KEY]["tried"]
    )
    columns = ("form", "time, floats = 1", f"worse than floats, {unit}, validation", "verdict")
    return Table("Forms tried in 8 bits", columns, cells, frozenset({0, 3}), sorts=False)


def _lost(worse: dict[str, Any] | None, unit: str) -> str:
    return "not asked" if worse is None else f"{percent(worse['mean'], unit)} ({percent_interval(worse, unit)})"


def _verdict(one: dict[str, Any], own: str) -> str:
    if one["worse_percent"] is None:
        return "no faster"
    high = one["worse_percent"]["high"]
    if high is not None and high <= MOST_WORSE:
        return "holds"
    return "loses too much, but for its tuning" if own.startswith(f"{one['words']}, tuned") else "loses too much"


def _tables(report: Report) -> dict[str, Table]:
    made = {"files": _files(report)}
    return made | {"forms": _tried(report)} if report[KEY].get("tried") else made


def _rows(report: Report) -> Rows:
    """eight_bit_forms.csv"""
    return [
        {
            "form": one["words"],
            **{f"time_ratio_{key}": one["time_ratio"][key] for key in ("mean", "low", "high")},
            **{f"worse_percent_{key}": (one["worse_percent"] or {}).get(key) for key in ("mean", "low", "high")},
        }
        for one in (report.get(KEY) or {}).get("tried", ())
    ]


def _gather(run: Run) -> dict[str, Any]:
    """None where there is no such file. Forms that this machine's onnxruntime was asked for lie in the student's card."""
    return {KEY: None if run.student is None else run.student.metrics["student"].get("int8")}


SECTION = Section(
    name="eight-bits",
    place=21,
    label="In 8 bits",
    reads={KEY: EightBitsFile | None},
    gather=_gather,
    words=_words,
    tables=_tables,
    csv={"eight_bit_forms": _rows},
)
