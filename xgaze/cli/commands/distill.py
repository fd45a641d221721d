"""`xgaze distill`"""

import math
from typing import Any

import click

from xgaze.artifacts import BESIDE, CARD_FILE, CONTROL, STUDENT, TEACHER
from xgaze.cli.common import emit, fan_options, next_command, read_recipe, recipe_options, run_of, scored_so_far
from xgaze.cli.words.distilled import in_words
from xgaze.recipe.student_sections import (
    MOST_BYTES,
    MOST_LATENCY_MS,
    MOST_MINUTES,
    MOST_PARAMETERS,
    MOST_POINTS,
    MOST_SEEDS,
    MOST_WORSE_PERCENT,
)
from xgaze.report.remedies import DISTILL
from xgaze.stored import understood

FIGURES = (
    TEACHER,
    CONTROL,
    STUDENT,
    "reference",
    "worse_unit",
    "difference_percent",
    "difference_from_teacher_percent",
    "control_difference_from_teacher_percent",
    "learned",
    "against_guessing",
    "budget_percent",
    "after_calibration",
    "over_seeds",
    "budget_met",
    "held_on_validation",
    "fc_reduction",
    "parameter_reduction",
    "latency_ratio",
    "reason",
    "limits",
    "labels_only",
    "macro_f1",
    "frame_radii",
    "int8_file_reduction",
    "test_participants",
)


class Percent(click.ParamType[float]):
    """`2%` or `2`."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            percent = float(str(value).strip().removesuffix("%"))
        except ValueError:
            percent = math.nan
        if not math.isfinite(percent):
            self.fail(f"'{value}' is not a percentage; write for example 2%.", param, ctx)
        if percent < 0:
            self.fail(f"{value}: a budget is 0 % or more; 0 asks for a student that is not worse.", param, ctx)
        if percent > MOST_WORSE_PERCENT:
            self.fail(f"{value}: a budget is {MOST_WORSE_PERCENT:,.0f} % or less.", param, ctx)
        return percent


@click.command("distill")
@recipe_options
@click.option("--prune-fc", is_flag=True, help="Shrink the fully connected layers only, not the towers.")
@click.option(
    "--effort", type=click.Choice(["quick", "full"]), help="quick: heads on cached embeddings; full: end to end."
)
@click.option(
    "--max-worse",
    type=Percent(),
    metavar="PERCENT",
    help="Budget: how much worse the student may be; of classes, in points.",
)
@click.option(
    "--after-calibration",
    type=click.IntRange(1, MOST_POINTS),
    metavar="POINTS",
    help="Budgets of error are about people who are calibrated by so many points.",
)
@click.option("--max-params", type=click.IntRange(1, MOST_PARAMETERS), metavar="N", help="Budget: parameters in all.")
@click.option("--max-bytes", type=click.IntRange(1, MOST_BYTES), metavar="N", help="Budget: bytes of the weights file.")
@click.option(
    "--max-latency-ms",
    type=click.FloatRange(0, MOST_LATENCY_MS, min_open=True),
    metavar="MS",
    help="Budget: onnxruntime, 1 thread.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, MOST_MINUTES, min_open=True),
    metavar="N",
    help="About how long the search may take here: students are tuned for as many epochs as fit.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, MOST_SEEDS),
    metavar="N",
    help="Tune the student found and its control with so many seeds: an interval over people and seeds.",
)
@click.option("--baselines", is_flag=True, help="Beside it: other ways to the same size, tuned as long.")
@fan_options("Trials")
def distill(
    recipe: str,
    overrides: tuple[str, ...],
    force: bool,
    as_json: bool,
    baselines: bool,
    workers: int,
    dask: str | None,
    **asked: Any,
) -> None:
    """Find the smallest student of RECIPE's teacher that is at most --max-worse worse (2 % unless the recipe says).

    Worse than the teacher, or than the teacher given the same extra tuning where that is better; without labels, how far it is
    from the teacher. Chosen on validation participants, scored on test participants at the end; each such scoring is counted.
    With a budget of size or time: the least worse student within it; where none keeps it, the nearest is named.
    A search that was stopped goes on where it was; trials once done serve other budgets too.

    \b
    Example:
      xgaze distill                                  the whole model, trained end to end many times
      xgaze distill --prune-fc --effort quick        the first fully connected layer only, 3 minutes
      xgaze distill --max-params 50000 --baselines   the best of this size, other tools' beside it
    """
    settings = read_recipe(
        recipe, overrides + budgets(asked)
    )  # whose faults are said before anything heavy is imported
    from xgaze.api.distilling import have_student
    from xgaze.jobs import Fan

    run = run_of(settings, next_command("train-teacher", recipe, overrides))
    made = have_student(run, Fan(workers, dask), baselines, force)
    metrics = made.card.metrics
    alone: dict[str, Any] = {key: metrics[key] for key in ("truth", "spread") if key in metrics}  # without labels
    alone |= {BESIDE: metrics[BESIDE]} if BESIDE in metrics else {}
    figures = {**alone, **{key: metrics.get(key) for key in FIGURES}, "model_dir": str(made.folder)}
    scored = scored_so_far(run.folder, made.groups, not alone)
    with understood(made.folder / CARD_FILE, DISTILL):
        words = in_words(figures, made.card, next_command("explain --samples 3", recipe, overrides), scored)
    emit(figures, words, as_json)


def budgets(asked: dict[str, Any]) -> tuple[str, ...]:
    """Options of the command as overrides of the recipe."""
    keys = {
        "max_worse": "max_worse_percent",
        "after_calibration": "after_calibration",
        "max_params": "max_parameters",
        "max_bytes": "max_bytes",
        "max_latency_ms": "max_latency_ms",
        "effort": "effort",
        "minutes": "minutes",
        "seeds": "seeds",
    }
    given = tuple(f"distill.{key}={asked[name]}" for name, key in keys.items() if asked[name] is not None)
    return (*given, "distill.towers=false") if asked["prune_fc"] else given
