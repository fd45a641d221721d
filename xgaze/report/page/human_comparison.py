"""What two runs' comparison says of where people look: words, a table, a chart."""

from typing import Any

from matplotlib.figure import Figure

from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import excludes_zero, no_evidence, number, span
from xgaze.report.drawing.svg import COLOURS, SHAPES, Chart, chart
from xgaze.report.drawing.tables import Table, between, model, table
from xgaze.report.sections.where_people_look import PANELS, SHOWN

Looked = dict[str, Any]


def human_verdicts(looked: Looked, names: tuple[str, ...]) -> list[str]:
    """One sentence per model and method, by NSS; or why there is none."""
    if looked["reason"]:
        return [f"Where people look is not compared: {looked['reason']}"]
    return [_verdict(row, names, looked["samples"]) for row in looked["rows"] if row["nss"]]


def _verdict(row: dict[str, Any], names: tuple[str, ...], pictures: int) -> str:
    found = row["nss"]
    way = "farther from" if found["mean"] < 0 else "nearer to"
    end = "" if excludes_zero(found) else f" {no_evidence(found)}: no evidence that attention moved."
    return (
        f"On the same {pictures} pictures the {row['model']} of {names[1]} looks {way} where people looked than that of "
        f"{names[0]}, by {number(abs(found['mean']), 2)} NSS ({row['method']}; 95 % interval of the difference "
        f"{span(found, 2)}).{end}"
    )


def human_comparison(looked: Looked | None) -> dict[str, Any] | None:
    """Table and chart; None where there is nothing to compare."""
    if not looked or not looked["rows"]:
        return None
    return {"table": _table(looked), "chart": _figure(looked)}


def _table(looked: Looked) -> Table:
    rows = [(model(row["model"]), row["method"], *(between(row[key], 3) for key, _ in SHOWN)) for row in looked["rows"]]
    return table("Second minus first", ("model", "method", *(label for _, label in SHOWN)), rows, (0, 1))


def _figure(looked: Looked) -> Chart:
    rows = looked["rows"]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (key, label, _) in zip(panels, PANELS, strict=True):
            for k, row in enumerate(rows):
                own = [row[key] if k == place else None for place in range(len(rows))]
                forest(axes, [Series(row["model"], COLOURS[row["model"]], SHAPES[row["model"]], own)], 0.0)
            axes.set(xlabel=f"difference in {label}")
            name_rows(axes, [f"{row['model']}, {row['method']}" for row in rows])

    return chart(
        "looked",
        "Did attention move towards people's?",
        "Second run minus first, paired by picture, with 95 % intervals; right of the dotted line the second run's maps lie "
        "more where people looked.",
        draw,
        height=height(len(rows)),
    )
