"""Is 80 % sure right in 80 of 100? The share of right answers over the probability of the class, and their mean distance."""

from matplotlib.figure import Figure

from xgaze.report.claimed import ClassCalibration
from xgaze.report.claims import CLASS_CALIBRATION
from xgaze.report.drawing.format import count, number
from xgaze.report.drawing.svg import COLOURS, MUTED, SHAPES, Chart, chart, legend_above
from xgaze.report.drawing.tables import Cell, Table, model, table, value
from xgaze.report.section import Report, Rows, Run, Section


def _gather(run: Run) -> Report:
    cards = {"teacher": run.teacher, "student": run.student}
    stored = {name: card.metrics.get(CLASS_CALIBRATION) for name, card in cards.items() if card is not None}
    return {CLASS_CALIBRATION: {name: one for name, one in stored.items() if one} or None}


def _errors(report: Report) -> str:
    told = [f"{name} {number(one['ece_percent'])} %" for name, one in report[CLASS_CALIBRATION].items()]
    return ", ".join(told)


def _words(report: Report) -> list[str]:
    return [
        "A class comes with a probability. Where it is right as often as that says, decisions can weigh it. Test samples are put "
        "into 15 bins of equal width by the probability of the class that is predicted; the expected calibration error is the "
        f"mean over samples of the distance of their bin's mean probability from its share of right answers: {_errors(report)}. "
        "Few samples make it larger than it is."
    ]


def reliability_figure(report: Report) -> Chart:
    """Share of right answers over mean probability, a line per model."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.9, linestyle=":", label="as it says")
        for name, one in report[CLASS_CALIBRATION].items():
            sure, right = ([row[key] for row in one["bins"]] for key in ("sure_percent", "right_percent"))
            axes.plot(sure, right, f"{SHAPES[name]}-", color=COLOURS[name], markersize=4, label=name)
        guessing = 100 / max(len(report["classes"]), 1)  # of the likeliest class it is no less
        axes.set(
            xlabel="probability of the class, %", ylabel="right answers, %", xlim=(guessing - 2, 102), ylim=(-2, 102)
        )
        legend_above(axes)

    return chart(
        "sure",
        "How often classes are right, by how sure the models are",
        "A mark is a bin of test samples. Below the dotted line a model is surer than it should be.",
        draw,
        height=3.0,
    )


def flat_bins(report: Report) -> Rows:
    """A row for each model and bin with samples."""
    return [
        {"model": name, **row} for name, one in (report.get(CLASS_CALIBRATION) or {}).items() for row in one["bins"]
    ]


def _table(report: Report) -> Table:
    rows = [
        (
            model(row["model"]),
            Cell(f"{number(row['from_percent'])} to {number(row['to_percent'])}", row["from_percent"]),
            Cell(count(row["samples"]), row["samples"]),
            value(row["sure_percent"]),
            value(row["right_percent"]),
        )
        for row in flat_bins(report)
    ]
    columns = ("model", "probability, %", "samples", "mean probability, %", "right, %")
    return table("How sure and how right", columns, rows)


SECTION = Section(
    name="sure",
    place=43,
    label="How sure",
    reads={CLASS_CALIBRATION: dict[str, ClassCalibration] | None},
    gather=_gather,
    words=_words,
    charts=lambda report: {"sure": reliability_figure(report)},
    tables=lambda report: {"sure": _table(report)},
    csv={"class_calibration": flat_bins},
)
