"""Is the student right for the same reasons? Likeness of maps between a floor and a ceiling; deletion and insertion."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import number
from xgaze.report.drawing.svg import (
    COLOURS,
    MARK,
    MUTED,
    ORANGE,
    SHAPES,
    Chart,
    chart,
    legend_over,
)
from xgaze.report.drawing.tables import Table, between, model, table
from xgaze.report.schemas import Interval
from xgaze.report.section import Report, Section, rows_at
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored

ROLES = {"floor": (MUTED, "D"), "result": (ORANGE, "s"), "ceiling": (MARK, "^")}
LIKENESS = "Likeness of each model's signed map to the teacher's, with 95 % intervals over {}."
STANDS_FOR = {
    "floor": "An untrained student shows what chance gives.",
    "ceiling": "A second teacher, trained with other random numbers, shows the most one can ask for.",
}
ROLES_DRAWN = {"floor": "floor", "result": "the student", "ceiling": "ceiling"}

ROLE_WORDS = {"floor": "floor: knows nothing", "result": "the student", "ceiling": "ceiling: as good as it gets"}


class Likeness(Stored):
    pair: str
    role: str
    spearman: Interval
    top_iou: Interval


class Agreement(Stored):
    """Likeness of every model's maps to the teacher's; areas under the curves of deletion and insertion."""

    samples: int
    participants: int
    target: str
    unit: str
    rows: list[Likeness]
    curves: list[dict[str, Any]] | None = None


def _charts(report: Report) -> dict[str, Chart]:
    charts, found = {}, report["agreement"]
    if found["rows"]:  # a teacher alone is compared with nobody
        charts["agreement"] = agreement_figure(found)
    if found.get("curves"):
        charts["curves"] = curves_figure(found)
    return charts


def agreement_figure(agreement: dict[str, Any]) -> Chart:
    """Likeness of maps to the teacher's, between a floor (knows nothing) and a ceiling (a second teacher)."""
    rows = sorted(agreement["rows"], key=lambda row: list(ROLES).index(row["role"]))
    names = [row["pair"] for row in rows]
    measures = (
        ("spearman", "rank correlation (Spearman)"),
        ("top_iou", f"overlap of the strongest {_parts(agreement)} (IoU)"),
    )

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(measures), sharey=True)
        for axes, (key, label) in zip(panels, measures, strict=True):
            for k, row in enumerate(rows):
                colour, shape = ROLES[row["role"]]
                own = [row[key] if k == place else None for place in range(len(rows))]
                forest(axes, [Series(ROLES_DRAWN[row["role"]], colour, shape, own)])
            axes.axvline(0, color=MUTED, linewidth=0.9, linestyle=":")
            axes.set(xlabel=label)
            name_rows(axes, names)
        legend_over(figure, panels[0])

    there = {row["role"] for row in rows}
    return chart(
        "agreement",
        "Does the student attend to what the teacher attends to?",
        " ".join(
            [
                LIKENESS.format(groups_in_words(agreement)),
                *(words for role, words in STANDS_FOR.items() if role in there),
            ]
        ),
        draw,
        height=height(len(rows)),
    )


def _parts(agreement: dict[str, Any]) -> str:
    """What maps are made of: pixels, or the features of fixations and cells."""
    return "pixels" if agreement.get("pixels", True) else "values"


def curves_figure(agreement: dict[str, Any]) -> Chart:
    """Areas under the deletion and the insertion curve, beside a random order of pixels."""
    rows, unit = agreement["curves"], agreement["unit"]
    measures = (("deletion", "deletion"), ("insertion", "insertion"))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(measures), sharey=True)
        for axes, (key, label) in zip(panels, measures, strict=True):
            for k, row in enumerate(rows):
                model = row["model"]
                random = model.startswith("random")  # each model has a random order of its own
                colour, shape = (MUTED, "D") if random else (COLOURS.get(model, MARK), SHAPES.get(model, "^"))
                own = [row[key] if k == place else None for place in range(len(rows))]
                forest(axes, [Series(model, colour, shape, own)])
            axes.set(xlabel=f"area under the {label} curve, {unit}")
            name_rows(axes, [row["model"] for row in rows])

    return chart(
        "curves",
        f"Do the strongest {_parts(agreement)} matter?",
        f"How far the prediction moves, on average, while {_parts(agreement)} are blanked (deletion) or put back (insertion), "
        f"strongest first; 95 % intervals over {groups_in_words(agreement)}. A map that tells much lies right of the random "
        "order in deletion and left of it in insertion.",
        draw,
        height=height(len(rows)) - 0.2,
    )


def _tables(report: Report) -> dict[str, Table]:
    found = report["agreement"]
    return {"agreement": _agreement(found)} | ({"curves": _curves(found)} if found.get("curves") else {})


def _agreement(found: dict[str, Any]) -> Table:
    rows = [
        (row["pair"], ROLE_WORDS.get(row["role"], row["role"]), between(row["spearman"], 2), between(row["top_iou"], 2))
        for row in found["rows"]
    ]
    parts = "pixels" if found.get("pixels", True) else "values"
    return table(
        "Likeness to the teacher's maps",
        (
            "compared with the teacher",
            "stands for",
            "rank correlation",
            f"overlap of strongest {parts}",
        ),
        rows,
        (0, 1),
    )


def _curves(found: dict[str, Any]) -> Table:
    rows = [(model(row["model"]), between(row["deletion"]), between(row["insertion"])) for row in found["curves"]]
    return table(
        "Deletion and insertion", ("order of", f"deletion, {found['unit']}", f"insertion, {found['unit']}"), rows
    )


def _answers(report: Report) -> list[tuple[str, str]]:
    found = report.get("agreement")
    return [("For the same reasons?", _reasons(found))] if found and found["rows"] else []


def _reasons(agreement: dict[str, Any]) -> str:
    found = {row["role"]: row["spearman"]["mean"] for row in agreement["rows"]}
    if "result" not in found:
        return "The student was not compared with the teacher."
    told = f"The student's maps follow the teacher's with a rank correlation of {number(found['result'], 2)}"
    beside = {"floor": "an untrained student reaches {}", "ceiling": "a second teacher {}"}
    words = [text.format(number(found[role], 2)) for role, text in beside.items() if role in found]
    return f"{told} ({', '.join(words)})." if words else f"{told}."


def _label(report: Report) -> str:
    return "Same reasons?" if report["agreement"]["rows"] else "Do the maps tell?"


SECTION = Section(
    name="agreement",
    place=130,
    label=_label,
    reads={"agreement": Agreement | None},
    charts=_charts,
    tables=_tables,
    csv={"agreement": rows_at("agreement", "rows"), "deletion_insertion": rows_at("agreement", "curves")},
    answers=_answers,
    template=Path(__file__).with_suffix(".html"),
)
