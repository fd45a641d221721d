"""Compression cost nothing on average, but whom did it cost? Errors in slices of the test samples, by what is known of them."""

from typing import Any

from matplotlib.figure import Figure

from xgaze.artifacts import SLICES_FILE, STUDENT, TEACHER
from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import number, percent, percent_interval
from xgaze.report.drawing.svg import BLUE, ORANGE, SHAPES, Chart, chart
from xgaze.report.drawing.tables import Table, between, table, value
from xgaze.report.remedies import TRAIN
from xgaze.report.section import Report, Rows, Run, Section, rows_at
from xgaze.report.sections.once_calibrated import Ends, flat
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored, read_mapping

CHANCE = 0.05
CLASSES_UNIT = "1 - probability of the true class"


class Slice(Stored):
    """Of the people in it. p: that both models err alike here, corrected for all slices."""

    condition: str
    where: str
    participants: int
    samples: int
    teacher: Ends
    student: Ends | None
    worse_percent: Ends | None
    p: float | None


class Slices(Stored):
    """As a model's folder holds them."""

    slices: list[Slice]


class SlicesTold(Stored):
    """unit: of the errors."""

    unit: str
    rows: list[Slice]


def _gather(run: Run) -> Report:
    folders = [run.folder / role for role in (STUDENT, TEACHER) if role == TEACHER or run.student]
    file = next((one / SLICES_FILE for one in folders if (one / SLICES_FILE).is_file()), None)
    if file is None:  # of an older version
        return {}
    unit = CLASSES_UNIT if run.teacher.spec["kind"] == "class" else run.teacher.metrics["error"]["unit"]
    rows = read_mapping(file, Slices, TRAIN)["slices"]
    return {"slices": {"unit": unit, "rows": rows}} if rows else {}


def lost_in(rows: Rows) -> Rows:
    """Slices in which the student is worse than chance explains, the largest loss first."""
    lost = [one for one in _compared(rows) if one["p"] < CHANCE and one["worse_percent"]["mean"] > 0]
    return sorted(lost, key=lambda one: -one["worse_percent"]["mean"])


def _compared(rows: Rows) -> Rows:
    return [one for one in rows if one["worse_percent"] is not None]


def _words(report: Report) -> list[str]:
    rows, who = report["slices"]["rows"], groups_in_words(report)
    compared, lost = _compared(rows), lost_in(rows)
    if not compared:
        worst = max(rows, key=lambda one: one["teacher"]["mean"])
        return [
            f"The teacher errs most where {_named(worst)}: {number(worst['teacher']['mean'])} {report['slices']['unit']}."
        ]
    told = [
        f"{_named(one)}: {percent(one['worse_percent']['mean'])} ({percent_interval(one['worse_percent'])})"
        for one in lost[:5]
    ]
    found = (
        f"The student is worse than the teacher in {len(lost)} of {len(compared)} slices: {'; '.join(told)}"
        f"{'; and others' if len(lost) > len(told) else ''}."
        if lost
        else f"In none of {len(compared)} slices is the student worse than the teacher by more than chance explains."
    )
    return [
        f"{found} Differences are paired over {who}, and p is corrected for all slices looked at (Benjamini-Yekutieli)."
    ]


def _named(one: dict[str, Any]) -> str:
    return f"{one['condition']} {one['where']}"


def slices_figure(report: Report) -> Chart:
    """The student's loss in every slice; without a student the teacher's error."""
    rows, who = report["slices"]["rows"], groups_in_words(report)
    shown = _compared(rows)
    losses = bool(shown)
    shown = shown or rows
    label, colour, shape = (STUDENT, ORANGE, SHAPES[STUDENT]) if losses else (TEACHER, BLUE, SHAPES[TEACHER])
    figures = [one["worse_percent" if losses else TEACHER] for one in shown]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        forest(axes, [Series(label, colour, shape, figures)], zero=0.0 if losses else None)
        name_rows(axes, [_named(one) for one in shown])
        axes.set(xlabel="student worse than teacher, %" if losses else f"error, {report['slices']['unit']}")

    title = "Whom did it cost?" if losses else "Where does the teacher err?"
    return chart(
        "slices", title, f"Means over the {who} of each slice, with 95 % intervals.", draw, height=height(len(shown))
    )


def _table(report: Report) -> Table:
    compared = bool(_compared(report["slices"]["rows"]))
    columns = ["condition", "slice", groups_in_words(report), "samples", f"teacher, {report['slices']['unit']}"]
    columns += [f"student, {report['slices']['unit']}", "worse, %", "p, corrected"] if compared else []
    rows = [
        (
            one["condition"],
            one["where"],
            value(one["participants"], 0),
            value(one["samples"], 0),
            between(one["teacher"]),
            *((between(one["student"]), between(one["worse_percent"]), value(one["p"], 3)) if compared else ()),
        )
        for one in report["slices"]["rows"]
    ]
    return table("Error by condition", columns, rows, words=(0, 1))


def _answers(report: Report) -> list[tuple[str, str]]:
    rows = rows_at("slices", "rows")(report)
    if not _compared(rows):
        return []
    lost = lost_in(rows)
    told = "Nobody in particular" if not lost else f"{_named(lost[0])}: {percent(lost[0]['worse_percent']['mean'])}"
    return [("Whom did it cost most?", f"{told}.")]


SECTION = Section(
    name="slices",
    place=41.5,
    label="Error by condition",
    reads={"slices": SlicesTold | None},
    gather=_gather,
    words=_words,
    charts=lambda report: {"slices": slices_figure(report)},
    tables=lambda report: {"slices": _table(report)},
    csv={"slices": lambda report: flat(rows_at("slices", "rows")(report))},
    answers=_answers,
)
