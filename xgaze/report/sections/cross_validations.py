"""Cross validations, nested and by a published protocol: scores beside baselines, confusion matrices, participants, history."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from xgaze.report import schemas
from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import DASH, general, number, spread
from xgaze.report.drawing.svg import (
    BLUE,
    CYCLE,
    MUTED,
    Chart,
    chart,
    legend_above,
    legend_over,
)
from xgaze.report.drawing.tables import Table, between, table, value
from xgaze.report.provenance import CROSSVALS
from xgaze.report.remedies import CROSSVALIDATE
from xgaze.report.section import Report, Run, Section, rows_at
from xgaze.report.sections.every_participant import participants_figure
from xgaze.report.words import groups_in_words
from xgaze.stored import read_mapping

CSV = {"measures": "measures", "participants": "per_participant", "folds": "per_fold", "history": "history"}
GRID_COLUMNS, GRID_SHOWN = 9, 63
CLASSES_WRITTEN = 12
MEASURES_SHOWN = 10
SHAPES = ("o", "s", "D", "^", "v", "P")
MATRIX_CELLS_SHOWN = 6000


def read_crossval(folder: Path, recipe_hash: str) -> dict[str, Any] | None:
    """The finished cross validation in `folder`, unless there is none or it is another teacher's."""
    file = folder / "crossval.json"
    if not file.is_file():
        return None
    stored = read_mapping(file, schemas.Crossval, CROSSVALIDATE)
    told = stored["confusion"]
    if told and len(told["participants"]) * len(told["classes"]) ** 2 > MATRIX_CELLS_SHOWN:
        told["participants"] = []  # too many to look at; they stay in the file
    return stored if stored["settings"]["recipe_hash"] == recipe_hash else None


def crossval_charts(name: str, found: dict[str, Any]) -> dict[str, Chart]:
    """All charts of one cross validation; names begin with `name`."""
    charts = {f"{name}-score": score_figure(f"{name}-score", found)}
    if found["confusion"]:
        charts[f"{name}-sum"] = sum_figure(f"{name}-sum", found["confusion"], found["groups"])
        if found["confusion"]["participants"]:
            charts[f"{name}-people"] = people_figure(f"{name}-people", found["confusion"], found["groups"])
    else:
        rows = [{"teacher": one["error"], "student": None} for one in found["per_participant"]]
        what = f"mean error, {found['score']['unit']}"
        charts[f"{name}-people"] = participants_figure(rows, what, f"{name}-people", groups_in_words(found))
    if found["history"]:
        charts[f"{name}-history"] = history_figure(f"{name}-history", found["history"], found["groups"])
    return charts


def score_figure(name: str, found: dict[str, Any]) -> Chart:
    """Every measure of the model and of its baselines, with intervals over participants."""
    names = ["teacher", *found["baselines"]]
    rows = found["measures"]
    if len(rows) > MEASURES_SHOWN:  # many classes: theirs stand in the table
        rows = [row for row in rows if not row["measure"].startswith("F1 of ")]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        series = [
            Series(one, CYCLE[k % len(CYCLE)], SHAPES[k % len(SHAPES)], [row[one] for row in rows])
            for k, one in enumerate(names)
        ]
        forest(axes, series)
        name_rows(axes, [row["measure"] for row in rows])
        legend_above(axes, columns=3)

    return chart(
        name,
        "Scores of the cross validation",
        f"Over all folds, with 95 % intervals over {found['groups']}; baselines were fitted and tested on the same ones.",
        draw,
        height=height(2 * len(rows)),
    )


def sum_figure(name: str, confusion: dict[str, Any], who: str) -> Chart:
    """The sum of all participants' confusion matrices; colours are shares of the true class."""
    classes = confusion["classes"]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _matrix(axes, confusion["sum"], size=10, written=len(classes) <= CLASSES_WRITTEN)
        axes.set_xticks(range(len(classes)), classes, rotation=90 if len(classes) > 4 else 0)
        axes.set_yticks(range(len(classes)), classes)
        axes.set(xlabel="told by the model", ylabel="truth")

    side = min(6.0, 2.2 + 0.35 * len(classes))
    return chart(
        name,
        f"Confusion matrix, all {who}",
        "Numbers of samples; each row is a true class, and the darker a cell, the larger its share of the row.",
        draw,
        height=side,
    )


def people_figure(name: str, confusion: dict[str, Any], who: str) -> Chart:
    """A small confusion matrix for every participant."""
    people = confusion["participants"][:GRID_SHOWN]
    lines = -(-len(people) // GRID_COLUMNS)

    def draw(figure: Figure) -> None:
        grid = np.atleast_2d(figure.subplots(lines, GRID_COLUMNS)).ravel()
        for axes, one in zip(grid, people, strict=False):
            _matrix(axes, one["matrix"], size=6, written=len(confusion["classes"]) <= 3)
            axes.set_title(one["group"][:12], fontsize=6, pad=2)
        for axes in grid:
            axes.set_xticks([])
            axes.set_yticks([])
        for axes in grid[len(people) :]:
            axes.set_visible(False)

    order = ", ".join(confusion["classes"])
    more = len(confusion["participants"]) - len(people)
    left = f" {more} more {who} stand in the table." if more else ""
    return chart(
        name,
        f"Confusion matrices of the {who}",
        f"Rows are the true classes, columns what the model told, both in the order {order}.{left}",
        draw,
        height=0.4 + 0.95 * lines,
    )


def history_figure(name: str, history: Sequence[dict[str, Any]], who: str) -> Chart:
    """One line per outer fold: what validation participants said after each epoch, and the training loss."""
    figures = list(dict.fromkeys(key for row in history for key in row if key not in ("seed", "fold", "epoch")))
    folds = sorted({(row["seed"], row["fold"]) for row in history})

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(figures)))
        for axes, key in zip(panels, figures, strict=True):
            for place in folds:
                own = [row for row in history if (row["seed"], row["fold"]) == place and key in row]
                colour = CYCLE[(place[1] - 1) % len(CYCLE)] if len(folds) <= len(CYCLE) else MUTED
                label = f"fold {place[1]}" if place[0] == 0 else None
                axes.plot([row["epoch"] for row in own], [row[key] for row in own], color=colour, lw=1, label=label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set(xlabel="epoch", title=key.replace("_", " "))
        if len(folds) <= len(CYCLE):
            legend_over(figure, panels[0], columns=6)

    return chart(
        name,
        "History of the trainings",
        f"One line per outer fold, the mean over its inner trainings; the test {who} have no part in it.",
        draw,
    )


def _matrix(axes: Axes, counts: list[list[int]], size: float, written: bool) -> None:
    """Cells as squares whose opacity is the share of the row: no bitmap, so that both colour schemes can be read."""
    matrix = np.array(counts)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            place = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(place, 1, 1, facecolor=BLUE, alpha=0.1 + 0.5 * float(shares[row, column])))
        if written and (count or size > 6):
            axes.text(column, row, str(count), ha="center", va="center", fontsize=size)
    axes.set(xlim=(-0.5, len(matrix) - 0.5), ylim=(len(matrix) - 0.5, -0.5), aspect="equal")


def crossval_tables(name: str, found: dict[str, Any]) -> dict[str, Table]:
    """All tables of one cross validation; names begin with `name`, as those of their charts."""
    tables = {f"{name}-score": _measures(found), f"{name}-folds": _folds(found)}
    if found["confusion"]:
        tables[f"{name}-sum"] = _sum(found["confusion"])
    tables[f"{name}-people"] = _people(found)
    if found["history"]:
        tables[f"{name}-history"] = _history(name, found["history"])
    return tables


def _digits(found: dict[str, Any]) -> int:
    return 3 if found["confusion"] else 1


def _measures(found: dict[str, Any]) -> Table:
    baselines, digits = list(found["baselines"]), _digits(found)
    rows = [
        (
            row["measure"],
            *(between(row[name], digits) for name in ("teacher", *baselines)),
            *(between(row[f"against {name}"], digits) for name in baselines),
        )
        for row in found["measures"]
    ]
    columns = ("measure", "teacher", *baselines, *(f"teacher minus {name}" for name in baselines))
    caption = f"In brackets: 95 % interval over {found['groups']}. A difference whose interval holds zero is inside the noise."
    return table("Scores of the cross validation", columns, rows, caption=caption)


def _folds(found: dict[str, Any]) -> Table:
    digits = _digits(found)
    rows = [
        (
            f"{row['fold']}" if row["seed"] == 0 else f"{row['fold']}, seed {row['seed'] + 1}",
            str(len(row["participants"])),
            str(row["samples"]),
            value(row["score"], digits),
            ", ".join(map(str, row["best_epochs"])),
            str(row["epochs"]),
        )
        for row in found["per_fold"]
    ]
    columns = ("fold", "participants", "samples", found["score"]["unit"], "best epochs inside", "epochs trained")
    return table("Folds", columns, rows, words=(0, 4))


def _sum(confusion: dict[str, Any]) -> Table:
    classes = confusion["classes"]
    rows = [(name, *map(str, counts)) for name, counts in zip(classes, confusion["sum"], strict=True)]
    return table("Confusion matrix", ("truth", *(f"told {name}" for name in classes)), rows)


def _people(found: dict[str, Any]) -> Table:
    if not found["confusion"]:
        rows = [(one["group"], str(one["samples"]), value(one["error"])) for one in found["per_participant"]]
        return table("Participants", ("participant", "samples", f"mean error, {found['score']['unit']}"), rows)
    matrices = {one["group"]: one["matrix"] for one in found["confusion"]["participants"]}
    if not matrices:
        bare = [(one["group"], str(one["samples"]), value(one["right_percent"])) for one in found["per_participant"]]
        return table("Participants", ("participant", "samples", "right, %"), bare)
    told = [
        (one["group"], str(one["samples"]), value(one["right_percent"]), _in_line(matrices[one["group"]]))
        for one in found["per_participant"]
    ]
    caption = f"Matrices row by row, classes in the order {', '.join(found['confusion']['classes'])}."
    return table("Participants", ("participant", "samples", "right, %", "matrix"), told, words=(0, 3), caption=caption)


def _in_line(matrix: list[list[int]]) -> str:
    return " / ".join(" ".join(map(str, row)) for row in matrix)


def _history(name: str, history: list[dict[str, Any]]) -> Table:
    figures = list(dict.fromkeys(key for row in history for key in row if key not in ("seed", "fold", "epoch")))
    rows = [
        (f"{row['fold']}", str(row["epoch"]), *(general(row[key]) if key in row else DASH for key in figures))
        for row in history
        if row["seed"] == 0
    ]
    caption = f"The first seed; all seeds: {name}_history.csv beside this page."
    return table("History", ("fold", "epoch", *(key.replace("_", " ") for key in figures)), rows, caption=caption)


def _pooled(score: dict[str, Any]) -> str:
    """How folds become one score: outputs of two folds' models cannot be ordered."""
    return "taken within folds and averaged by their pairs" if score["unit"] == "AUC" else "pooled over all of them"


def crossval_words(found: dict[str, Any]) -> list[str]:
    """What the section says before its figures."""
    score, settings = found["score"], found["settings"]
    digits, who = _digits(found), found["groups"]
    seeds = f", {settings['seeds']} times from other seeds" if settings["seeds"] > 1 else ""
    told = [
        f"{found['participants_tested']} of {found['participants']} {who} were tested, in {found['folds']} folds{seeds}: "
        f"{score['unit']} {spread(score, digits)}, {_pooled(score)}. In brackets: 95 % interval over {who}."
    ]
    if chance := found["permutation"]:
        told.append(
            f"With classes permuted among {who} ({chance['permutations']:,} times) the {chance['score']} is "
            f"{number(chance['mean'], 3)} on average, and as high as ours with p = {number(chance['p'], 3)}."
        )
    return told


def _section(name: str, place: int, label: str, heading: str) -> Section:
    def gather(run: Run) -> Report:
        return {name: read_crossval(run.folder / CROSSVALS[name], run.teacher.recipe_hash)}

    return Section(
        name=name,
        place=place,
        label=label,
        reads={name: schemas.Crossval | None},
        gather=gather,
        words=lambda report: crossval_words(report[name]),
        charts=lambda report: crossval_charts(name, report[name]),
        tables=lambda report: crossval_tables(name, report[name]),
        csv={f"{name}_{table}": rows_at(name, key) for table, key in CSV.items()},
        shows=lambda report, _maps: {"found": report[name], "name": name, "heading": heading},
        template=Path(__file__).with_suffix(".html"),
    )


SECTION = (
    _section("crossval", 60, "Cross validation", "Cross validation"),
    _section("replay", 61, "Published protocol", "Cross validation by a published protocol"),
)
