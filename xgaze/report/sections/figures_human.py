"""The chart of where attributions lie against where people looked."""

from typing import Any

from matplotlib.figure import Figure

from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.svg import COLOURS, MARK, MUTED, OTHERS, SHAPES, Chart, chart
from xgaze.report.words import groups_in_words

PANELS = (("nss", "NSS", 0.0), ("cc", "CC", 0.0), ("shuffled_auc", "shuffled AUC", 0.5))
LOOKS = {"second teacher": (OTHERS, "^"), "other viewers": (MARK, "^")}


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
