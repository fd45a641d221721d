"""Every test participant: teacher and student person by person, how their errors are spread, and what each one loses."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xgaze.artifacts import STUDENT, TEACHER, ModelCard
from xgaze.report.drawing.format import count, number
from xgaze.report.drawing.svg import BLUE, COLOURS, MARK, MUTED, ORANGE, Chart, chart, legend_above
from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.remedies import TRAIN
from xgaze.report.section import Report, Rows, Run, Section, rows_at
from xgaze.report.words import error_in_words, groups_in_words, has_labels
from xgaze.stored import Stored, read_table

SHARES_PERCENT = (0, 10, 25, 50, 75, 90, 100)


class Person(Stored):
    """Mean error of one participant (or stimulus), or for classes the share of right answers, %."""

    group: str
    samples: int
    teacher: float
    student: float | None
    difference: float | None


def per_participant(run: Path, teacher: ModelCard, with_student: bool) -> list[dict[str, Any]]:
    """Mean error per test participant, or for classes the share of right answers in percent."""
    tables = {TEACHER: _by_person(run / TEACHER, teacher)}
    if with_student:
        tables[STUDENT] = _by_person(run / STUDENT, teacher)
    joined = pd.DataFrame({name: one["figure"] for name, one in tables.items()})
    joined["samples"] = tables[TEACHER]["samples"]
    rows = []
    for person, row in joined.sort_index().iterrows():
        student = float(row["student"]) if with_student else None
        rows.append(
            {
                "group": str(person),
                "samples": int(row["samples"]),
                "teacher": float(row["teacher"]),
                "student": student,
                "difference": None if student is None else student - float(row["teacher"]),
            }
        )
    return rows


def _by_person(folder: Path, card: ModelCard) -> pd.DataFrame:
    name = "disagreement" if card.spec.get("truth") == "teacher" else "error"
    of_gaze = f"{name}_{card.spec.get('unit', 'px')}"
    error = {"gaze": of_gaze, "angle": f"{name}_degrees", "value": name}.get(card.spec["kind"])
    texts = ("group", "split") if error else ("group", "split", "prediction", "truth")
    table = read_table(folder / "predictions.csv", [error] if error else [], TRAIN, texts)
    table = table[table["split"] == "test"]
    figure = table[error] if error else 100.0 * (table["prediction"] == table["truth"])
    grouped = figure.groupby(table["group"])
    return pd.DataFrame({"figure": grouped.mean(), "samples": grouped.size()})


def _gather(run: Run) -> Report:
    if run.teacher.spec.get("truth") == "teacher" and run.student is None:
        return {"per_participant": []}  # a teacher that says what is true has nothing to differ from
    return {"per_participant": per_participant(run.folder, run.teacher, run.student is not None)}


def participants_figure(rows: list[dict[str, Any]], what: str, name: str = "people", who: str = "people") -> Chart:
    """Every test participant: teacher and student, joined, in the order of the teacher."""
    rows = sorted(rows, key=lambda row: row["teacher"])
    place = np.arange(len(rows))
    teacher = np.array([row["teacher"] for row in rows])
    student = np.array([row["student"] for row in rows], float) if rows[0]["student"] is not None else None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if student is not None:
            # One broken line, not one per person: a third of the figure's bytes.
            joins = np.column_stack((teacher, student, np.full(len(rows), np.nan))).ravel()
            axes.plot(np.repeat(place, 3), joins, color=MUTED, linewidth=1, alpha=0.6)
            axes.plot(place, student, "s", color=ORANGE, markersize=3.2, label="student")
        axes.plot(place, teacher, "o", color=BLUE, markersize=3.5, label="teacher")
        axes.set(xlabel=f"{who}, sorted by the teacher's figure", ylabel=what, xlim=(-1, len(rows)))
        axes.set_xticks([])
        axes.set_ylim(bottom=0)
        legend_above(axes)

    spread = f"Teacher from {number(teacher.min())} to {number(teacher.max())}."
    return chart(name, f"{what[0].upper()}{what[1:]}, of all test {who}", spread, draw)


def spread_figure(rows: Rows, what: str, who: str, models: list[str] | None = None) -> Chart:
    """Cumulated shares of people over their errors, of these models or of all that have figures."""
    models = models or _models(rows)

    def draw(figure: Figure) -> None:
        import seaborn as sns

        axes = figure.subplots()
        for model in models:
            values = [row[model] for row in rows]
            sns.ecdfplot(x=values, stat="percent", ax=axes, color=COLOURS[model], linewidth=1.6, label=model)
        axes.set(xlabel=what, ylabel=f"{who} with at most this, %", ylim=(0, 100))
        legend_above(axes)

    return chart(
        "people-spread",
        f"How the figures are spread over the test {who}",
        f"Each curve: how many of the test {who} have at most the figure below. "
        + "A curve further left has smaller figures; where two cross, one model is better for some and worse for others."
        * (len(models) > 1),
        draw,
        height=3.0,
    )


def differences_figure(rows: Rows, what: str, who: str) -> Chart:
    """Student minus teacher of every person, against the mean of both (Bland and Altman)."""
    teacher, student = (np.array([row[model] for row in rows], float) for model in COLOURS)
    lost = student - teacher

    def draw(figure: Figure) -> None:
        import seaborn as sns

        axes = figure.subplots()
        look = {
            "color": MARK,
            "s": 14,
            "linewidth": 0,
            "edgecolor": "none",
            "clip_on": False,
        }  # a clip for each mark is heavy
        sns.scatterplot(x=(teacher + student) / 2, y=lost, ax=axes, **look)
        axes.axhline(0, color=MUTED, linewidth=0.9, linestyle=":")
        axes.axhline(lost.mean(), color=MARK, linewidth=1.2, linestyle="--", label="mean difference")
        axes.set(xlabel=f"{what}, mean of both models", ylabel="student minus teacher")
        legend_above(axes)

    return chart(
        "people-differences",
        f"Student minus teacher, for each of the test {who}",
        f"One mark for each of the {len(rows)}; on the dotted line both models are the same. {int((lost > 0).sum())} lie above "
        f"it, {int((lost < 0).sum())} below; on average {number(lost.mean(), 2)}.",
        draw,
        height=3.0,
    )


def _models(rows: Rows) -> list[str]:
    """Those that have figures."""
    return [model for model in COLOURS if rows[0][model] is not None]


def quantiles(rows: Rows) -> Rows:
    """The figures below which so many percent of the people lie."""
    told = [*_models(rows), *(["difference"] if rows[0]["difference"] is not None else [])] if rows else []
    columns = {name: np.percentile([row[name] for row in rows], SHARES_PERCENT) for name in told}
    return [
        {"percent": share, **{name: float(own[k]) for name, own in columns.items()}}
        for k, share in enumerate(SHARES_PERCENT)
        if told
    ]


def _quantile_table(rows: Rows, names: list[str]) -> Table:
    shown = [[Cell(f"{row['percent']} %"), *(value(row[name], 2) for name in names)] for row in quantiles(rows)]
    return table("Quantiles", ("share of them below", *names), shown)


def _charts(report: Report) -> dict[str, Chart]:
    what = f"mean {error_in_words(report)}, {report['score']['unit']}"
    what = "right answers, %" if report["task"] == "class" else what
    rows, who = report["per_participant"], groups_in_words(report)
    if not has_labels(report):
        return {"people-spread": spread_figure(rows, what, who, ["student"])}
    charts = {
        "people": participants_figure(rows, what, who=who),
        "people-spread": spread_figure(rows, what, who),
    }
    both = rows[0]["student"] is not None
    return charts | ({"people-differences": differences_figure(rows, what, who)} if both else {})


def _tables(report: Report) -> dict[str, Table]:
    rows = report["per_participant"]
    if not has_labels(report):
        return {"people": people_table(report), "people-spread": _quantile_table(rows, ["student"])}
    tables = {"people": people_table(report), "people-spread": _quantile_table(rows, _models(rows))}
    both = rows[0]["student"] is not None
    return tables | ({"people-differences": _quantile_table(rows, ["difference"])} if both else {})


def people_table(report: dict[str, Any]) -> Table:
    names = ["teacher", *(["student", "difference"] if report["student"] else [])]
    if not has_labels(report):
        names = ["student"]
    rows = [
        [Cell(row["group"]), Cell(count(row["samples"]), row["samples"]), *(value(row[name]) for name in names)]
        for row in report["per_participant"]
    ]
    unit = "%" if report["task"] == "class" else report["score"]["unit"]
    unit = unit if has_labels(report) else f"{unit} from the teacher"
    who = groups_in_words(report)
    label = "Every test participant" if who == "people" else f"All test {who}"
    told = [f"{name}, {unit}" for name in names]
    return table(label, ("participant" if who == "people" else "one of them", "samples", *told), rows)


SECTION = Section(
    name="people",
    place=30,
    label="People",
    reads={"per_participant": list[Person]},
    gather=_gather,
    charts=_charts,
    tables=_tables,
    csv={
        "per_participant": rows_at("per_participant"),
        "quantiles": lambda report: quantiles(report["per_participant"]),
    },
    template=Path(__file__).with_suffix(".html"),
)
