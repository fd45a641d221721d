"""Charts that say how far the maps can be trusted: agreement of models, and anatomy over the test people."""

from typing import Any

from matplotlib.figure import Figure

from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.svg import COLOURS, MARK, MUTED, SHAPES, STUDENT, Chart, chart, legend_over
from xgaze.report.words import groups_in_words

ROLES = {"floor": (MUTED, "D"), "result": (STUDENT, "s"), "ceiling": (MARK, "^")}
LIKENESS = "Likeness of each model's signed map to the teacher's, with 95 % intervals over {}."
STANDS_FOR = {
    "floor": "An untrained student shows what chance gives.",
    "ceiling": "A second teacher, trained with other random numbers, shows the most one can ask for.",
}
ROLE_WORDS = {"floor": "floor", "result": "the student", "ceiling": "ceiling"}


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
                forest(axes, [Series(ROLE_WORDS[row["role"]], colour, shape, own)])
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


def anatomy_figure(anatomy: dict[str, Any]) -> Chart:
    """Attribution mass, its density and the effect of deleting, per region, teacher and student."""
    rows = anatomy["rows"]
    regions = list(dict.fromkeys(row["region"] for row in rows))
    models = [model for model in COLOURS if any(row["model"] == model for row in rows)]
    found = {(row["model"], row["region"]): row for row in rows}
    panels_of = (
        ("mass_percent", "attribution, %", None),
        ("density", "density (1 = even)", 1.0),
        ("deletion", f"moved when blanked, {anatomy['unit']}", 0.0),
    )

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(panels_of), sharey=True)
        for axes, (key, label, zero) in zip(panels, panels_of, strict=True):
            series = [
                Series(m, COLOURS[m], SHAPES[m], [found.get((m, one), {}).get(key) for one in regions]) for m in models
            ]
            forest(axes, series, zero)
            axes.set(xlabel=label)
            name_rows(axes, regions)
        areas = [found[models[0], one]["area_percent"] for one in regions]
        panels[0].plot(areas, range(len(regions)), "|", color=MUTED, markersize=14, markeredgewidth=2, label="area")
        legend_over(figure, panels[0])

    return chart(
        "anatomy",
        "What part of the eye the models use",
        f"Share of the attribution of the {anatomy['target']} in each region (grey bar: the region's share of the picture), how "
        "dense it is there, and how far the prediction moves when the region is blanked; 95 % intervals over people.",
        draw,
        height=height(len(regions)),
    )


def differences_figure(anatomy: dict[str, Any]) -> Chart:
    """Student minus teacher, paired within people."""
    rows = anatomy["differences"]
    panels_of = (
        ("mass_percent", "attribution, percentage points"),
        ("deletion", f"moved when blanked, {anatomy['unit']}"),
    )

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(panels_of), sharey=True)
        for axes, (key, label) in zip(panels, panels_of, strict=True):
            forest(axes, [Series("student minus teacher", STUDENT, "s", [row[key] for row in rows])], 0.0)
            axes.set(xlabel=label)
            name_rows(axes, [row["region"] for row in rows])

    return chart(
        "differences",
        "What the student uses more, or less, than the teacher",
        "Student minus teacher on the same people; 95 % intervals. An interval across the dotted line is no evidence of a "
        "difference.",
        draw,
        height=height(len(rows)) - 0.25,
    )
