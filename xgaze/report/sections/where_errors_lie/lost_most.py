"""A mean hides who pays: the worst frames of both models, and the people who lost most by the student."""

from typing import Any

from xgaze.artifacts import LOST_FILE, STUDENT
from xgaze.report.drawing.format import NOT_DEFINED, number, percent, percent_interval
from xgaze.report.drawing.tables import Table, between, table, value
from xgaze.report.remedies import TRAIN
from xgaze.report.section import Report, Rows, Run, Section, rows_at
from xgaze.report.sections.once_calibrated import Ends, flat
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored, read_mapping
from xgaze.units import digits_of

CHANCE, SHOWN = 0.05, 10
FIGURES = {"p95": "95 % of the frames keep below", "worst": "mean of the worst 5 % of the frames"}


class Tail(Stored):
    """figure: one of FIGURES. Intervals are over people, who count the same."""

    figure: str
    teacher: Ends
    student: Ends
    worse_percent: Ends | None


class LostPerson(Stored):
    """Mean errors; difference: student minus teacher, its interval over the frames. p: that both err alike, corrected for all."""

    group: str
    samples: int
    teacher: float
    student: float
    difference: Ends
    p: float


class Lost(Stored):
    """As a student's folder holds it; people: the largest loss first."""

    tails: list[Tail]
    people: list[LostPerson]


class LostTold(Lost):
    """unit: of the errors."""

    unit: str


def _gather(run: Run) -> Report:
    file = run.folder / STUDENT / LOST_FILE
    if not run.student or not file.is_file():  # of an older version, or of classes
        return {}
    return {"lost": {"unit": run.teacher.metrics["error"]["unit"], **read_mapping(file, Lost, TRAIN)}}


def beyond_chance(rows: Rows, sign: int = 1) -> Rows:
    """People who lost (or, with sign -1, gained) more than chance explains."""
    return [one for one in rows if one["p"] < CHANCE and sign * one["difference"]["mean"] > 0]


def _words(report: Report) -> list[str]:
    found, who = report["lost"], groups_in_words(report)
    people = found["people"]
    lost, gained = (len(beyond_chance(people, sign)) for sign in (1, -1))
    return [
        f"{' '.join(_tail_in_words(one, found['unit']) for one in found['tails'])} Each model has its own worst frames; "
        f"intervals are over {who}, who count the same.",
        f"Of {len(people)} {who} {lost} lost by the student more than chance explains, and {gained} gained: p < {CHANCE}, "
        f"corrected for all {len(people)} looked at (Benjamini-Hochberg), so that on average at most one in twenty of "
        "those counted is there by chance. Each one's interval is over their own frames, which count as fewer where neighbours "
        "resemble each other. Whoever comes out at the top of so many lost somewhat less than it says.",
    ]


def _tail_in_words(one: dict[str, Any], unit: str) -> str:
    digits = digits_of(unit)
    teacher, student = (f"{number(one[model]['mean'], digits)} {unit}" for model in ("teacher", "student"))
    worse = one["worse_percent"]
    loss = NOT_DEFINED if worse is None else f"{percent(worse['mean'])} ({percent_interval(worse)})"
    begin = "95 % of the frames keep below" if one["figure"] == "p95" else "The worst 5 % of the frames err by"
    return f"{begin} {teacher} with the teacher and {student} with the student: {loss}."


def _tails(report: Report) -> Table:
    found = report["lost"]
    digits = digits_of(found["unit"])
    rows = [
        (
            FIGURES[one["figure"]],
            between(one["teacher"], digits),
            between(one["student"], digits),
            between(one["worse_percent"]),
        )
        for one in found["tails"]
    ]
    columns = ("error", f"teacher, {found['unit']}", f"student, {found['unit']}", "worse, %")
    return table("The worst frames", columns, rows)


def _people(report: Report) -> Table:
    found = report["lost"]
    digits = digits_of(found["unit"])
    rows = [
        (
            one["group"],
            value(one["samples"], 0),
            value(one["teacher"], digits),
            value(one["student"], digits),
            between(one["difference"], digits),
            value(one["p"], 3),
        )
        for one in found["people"][:SHOWN]
    ]
    told = [f"{name}, {found['unit']}" for name in ("teacher", "student", "difference")]
    return table("Who lost most by the student?", (groups_in_words(report), "frames", *told, "p, corrected"), rows)


SECTION = Section(
    name="lost",
    place=41.7,
    label="Worst frames, and who lost most",
    reads={"lost": LostTold | None},
    gather=_gather,
    words=_words,
    tables=lambda report: {"tails": _tails(report), "lost": _people(report)},
    csv={
        "tails": lambda report: flat(rows_at("lost", "tails")(report)),
        "lost": lambda report: flat(rows_at("lost", "people")(report)),
    },
)
