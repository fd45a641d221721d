"""`xgaze explain`"""

from typing import Any

import click

from xgaze.artifacts import read_card
from xgaze.cli.common import emit, next_command, nothing_learned, read_recipe, recipe_options, run_of
from xgaze.cli.words.asked import Over
from xgaze.cli.words.explained import figures_of, in_words
from xgaze.explanation.askable import ASKABLE, WORDS
from xgaze.report.remedies import EXPLAIN
from xgaze.stored import understood


@click.command("explain")
@recipe_options
@click.option(
    "--sample",
    "samples",
    multiple=True,
    metavar="ID",
    help=f"Test sample: index, id, {', '.join(WORDS)}; may be repeated.",
)
@click.option("--samples", "count", type=click.IntRange(1, 50), metavar="N", help="N test samples, spread over people.")
@click.option(
    "--over",
    type=Over(),
    metavar="N",
    help="Agreement and anatomy over N test frames, all, or 0. [one each of 40 people]",
)
@click.option(
    "--target",
    type=click.Choice(ASKABLE),
    help="What the other methods answer; integrated gradients answer all. [error, or the class]",
)
def explain(recipe: str, overrides: tuple[str, ...], force: bool, as_json: bool, **wanted: Any) -> None:
    """Explain test samples with RECIPE's teacher and student, and write the report.

    Without --sample and --samples: the worst and the best prediction, and the one where the two models disagree most.
    What --over measures goes on where it was stopped.

    \b
    Example:
      xgaze explain
      xgaze explain --sample 17 --sample worst --over 200
    """
    settings = read_recipe(recipe, overrides)  # whose faults are said before anything heavy is imported
    from xgaze.api.explained_run import learned_of_run
    from xgaze.api.explaining import EXPLANATION, Asked, have_explanation
    from xgaze.artifacts import TEACHER

    run = run_of(settings, next_command("train-teacher", recipe, overrides))
    asked = Asked(wanted["samples"], wanted["count"], wanted["over"], wanted["target"])
    made = have_explanation(run, asked, force)
    page = made.report()
    with understood(run.folder / EXPLANATION / "explanation.json", EXPLAIN):
        figures = figures_of(made.found, page) | learned_of_run(run)
        groups = read_card(run.folder / TEACHER).spec.get("groups", "participants")
        words = [*nothing_learned(figures, groups), *in_words(figures, made.found)]
    emit(figures, words, as_json)
