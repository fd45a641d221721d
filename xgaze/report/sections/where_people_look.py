"""Do the models look where people look? Scores of their maps against human ones, paired differences, examples."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.claims import MOST_UNEXPLAINED_PERCENT
from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import spread
from xgaze.report.drawing.images import common_scale, map_uri, picture_uri
from xgaze.report.drawing.svg import COLOURS, MARK, MUTED, OTHERS, SHAPES, Chart, chart
from xgaze.report.drawing.tables import Cell, Table, between, model, table
from xgaze.report.section import Maps, Report, Section, rows_at
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored

PANELS = (("nss", "NSS", 0.0), ("cc", "CC", 0.0), ("shuffled_auc", "shuffled AUC", 0.5))
LOOKS = {"second teacher": (OTHERS, "^"), "other viewers": (MARK, "^")}

SHOWN = (
    ("pointing", "peak in the most looked-at tenth"),
    ("nss", "NSS"),
    ("cc", "CC"),
    ("kl", "KL (lower is better)"),
    ("shuffled_auc", "shuffled AUC"),
    ("auc_judd", "AUC-Judd"),
)
EXAMPLES = 2


class Human(Stored):
    """Scores of every model's maps, and their paired differences."""

    samples: int
    sigma_px: float
    side_px: int
    fixations: str
    map_is_input: bool
    rows: list[dict[str, Any]]
    differences: list[dict[str, Any]]


def human_figure(human: dict[str, Any]) -> Chart:
    """A row for each model and method, for the baselines and for the other viewers; three scores."""
    rows = human["rows"]
    names = [", ".join(filter(None, (row["model"], row["method"]))) for row in rows]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (key, label, chance) in zip(panels, PANELS, strict=True):
            axes.axvline(chance, color=MUTED, linewidth=0.9, linestyle=":")
            for k, row in enumerate(rows):
                colour, shape = _look(row["model"])
                own = [row[key] if k == place else None for place in range(len(rows))]
                forest(axes, [Series(row["model"], colour, shape, own)])
            axes.set(xlabel=label)
            name_rows(axes, names)

    return chart(
        "human",
        "Do the models look where people look?",
        f"Scores of each model's maps against where people looked, with 95 % intervals over {groups_in_words(human)}; right is "
        "more alike, the dotted line is chance. The centre bias knows where people look in any picture and sees none.",
        draw,
        height=height(len(rows)),
    )


def _look(model: str) -> tuple[str, str]:
    if model in COLOURS:
        return COLOURS[model], SHAPES[model]
    return LOOKS.get(model, (MUTED, "D"))


def human_tables(report: dict[str, Any]) -> dict[str, Table]:
    """The scores, and the paired differences, where people's maps are known."""
    found = report.get("human")
    if not found:
        return {}
    tables = {"human": _scores(found, _refused(report["methods"] or []))}
    return tables | ({"human-differences": _differences(found)} if found["differences"] else {})


def looked_views(report: dict[str, Any], maps: Maps) -> list[dict[str, Any]]:
    """Per example: the photograph, where people looked, and where every model's maps lie, as data URIs."""
    samples = (report["attribution"] or {}).get("samples", [])
    pictures = [one["name"] for one in report["inputs"] if len(one["shape"]) == 3 and one["name"] != "attention"]
    return [
        {"id": samples[k]["id"], "cells": _cells(k, pictures[0], maps)}
        for k in range(min(EXAMPLES, len(samples)))
        if f"{k}/people" in maps
    ]


def _cells(place: int, picture: str, maps: Maps) -> list[dict[str, str]]:
    photograph, start = maps[f"{place}/image/{picture}"], f"{place}/people"
    own = {"people": maps[start]}
    own |= {" by ".join(key.split("/")[2:]): one for key, one in maps.items() if key.startswith(f"{start}/")}
    drawn = [
        {"label": name, "uri": map_uri(np.asarray(one), photograph, common_scale([one]))} for name, one in own.items()
    ]
    return [{"label": "photograph", "uri": picture_uri(photograph)}, *drawn]


def _refused(verdicts: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(model, method) that do not account for the output's change on these models."""
    return {
        (one["role"], one["name"])
        for one in verdicts
        if not one["offered"] and (one["completeness_percent"] or 0) > MOST_UNEXPLAINED_PERCENT
    }


def _scores(found: dict[str, Any], refused: set[tuple[str, str]]) -> Table:
    rows = []
    for row in found["rows"]:
        bad = (row["model"], row["method"]) in refused
        method = Cell(f"{row['method']} (refused by the checks)", look="missed") if bad else Cell(row["method"])
        rows.append((model(row["model"]), method, *(between(row[key], 2) for key, _ in SHOWN)))
    return table(
        "Scores against where people looked", ("maps of", "method", *(label for _, label in SHOWN)), rows, (0, 1)
    )


def _differences(found: dict[str, Any]) -> Table:
    rows = [
        (f"{one['first']} minus {one['second']}", one["method"], *(between(one[key], 3) for key, _ in SHOWN))
        for one in found["differences"]
    ]
    columns = ("paired difference", "method", *(label for _, label in SHOWN))
    return table("Paired differences", columns, rows, (0, 1))


def _answers(report: Report) -> list[tuple[str, str]]:
    return [("Where people look?", where_people_look(report["human"]))] if report.get("human") else []


def where_people_look(human: dict[str, Any]) -> str:
    """Every model's shuffled AUC, beside the centre bias and the ceiling, and what the student changed."""
    rows = [row for row in human["rows"] if row.get("shuffled_auc")]
    told = [f"{_named(row)} {spread(row['shuffled_auc'], 2)}" for row in rows]
    first = (
        f"Shuffled AUC of the maps at the places looked at (0.5: no better than other pictures' places), over "
        f"{human['samples']} test pictures: {'; '.join(told)}."
    )
    changed = [
        f"by {one['method']} {spread(one['shuffled_auc'], 3)}"
        for one in human["differences"]
        if (one["first"], one["second"]) == (STUDENT, TEACHER) and one["shuffled_auc"]
    ]
    return f"{first} Student minus teacher: {', '.join(changed)}." if changed else first


def _named(row: dict[str, Any]) -> str:
    return f"{row['model']} ({row['method']})" if row["method"] else str(row["model"])


SECTION = Section(
    name="looks",
    place=110,
    label="Where people look",
    reads={"human": Human | None},
    charts=lambda report: {"human": human_figure(report["human"])},
    tables=human_tables,
    csv={"human": rows_at("human", "rows"), "human_differences": rows_at("human", "differences")},
    answers=_answers,
    shows=lambda report, maps: {"looked": looked_views(report, maps)},
    template=Path(__file__).with_suffix(".html"),
)
