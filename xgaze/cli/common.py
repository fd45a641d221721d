"""What all commands share: recipe options, folders, JSON or words, and errors that speak to people."""

import json
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from xgaze.api.runs import CHECKPOINTS, REPORTS, Run
from xgaze.recipe import Recipe, load_recipe
from xgaze.report.claims import degrees_in_words, over_samples_in_words, reference_learned, scored_in_words
from xgaze.report.drawing.format import NOT_DEFINED
from xgaze.scorings import read_scorings
from xgaze.units import DIGITS, digits_of

DEFAULT_RECIPE = "multi-eye"
MEASURED = tuple(DIGITS)
SAME_RESULT = ("as_json", "force", "workers", "dask")
"""Options that do not change what a command finds."""
RESULTS = "xgaze.results"

Command = TypeVar("Command", bound=Callable[..., Any])


def recipe_options(command: Command) -> Command:
    """RECIPE, --set, --force and --json."""
    force = click.option("--force", is_flag=True, help="Compute again even if a finished result lies there.")
    return recipe_and_settings(force(command))


def recipe_and_settings(command: Command) -> Command:
    """RECIPE, --set and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to stderr."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe."),
        click.argument("recipe", default=DEFAULT_RECIPE),
    ):
        command = option(command)
    return command


def fan_options(jobs: str) -> Callable[[Command], Command]:
    """--workers and --dask: where `jobs`, such as "Folds", are done."""

    def decorate(command: Command) -> Command:
        where = f"Do {jobs.lower()} on the Dask cluster of this scheduler (it must see this folder)."
        together = f"{jobs} done at the same time, in processes. [1]"
        command = click.option("--dask", metavar="ADDRESS", help=where)(command)
        return click.option("--workers", type=click.IntRange(1), default=1, help=together)(command)

    return decorate


def read_recipe(name_or_path: str, overrides: tuple[str, ...]) -> Recipe:
    return load_recipe(name_or_path, overrides)


def run_of(recipe: Recipe, train_first: str = "") -> Run:
    """The recipe's run in this working directory, as the command that runs knows it."""
    return Run(recipe, CHECKPOINTS, REPORTS, None, invocation(), note, train_first)


def next_command(command: str, name_or_path: str, overrides: tuple[str, ...]) -> str:
    """The command to run next, for the same recipe, as a shell reads it."""
    words = ["xgaze", *command.split()]
    if name_or_path != DEFAULT_RECIPE:
        words.append(name_or_path)
    return shlex.join([*words, *(word for one in overrides for word in ("--set", one))])


def invocation() -> str:
    """The command that runs, with all that was given and changes what it finds, as a shell reads it."""
    context = click.get_current_context()
    words = []
    for one in sorted(context.command.params, key=lambda one: not isinstance(one, click.Argument)):
        given = context.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
        if given and one.name not in SAME_RESULT:
            words += _as_typed(one, context.params[one.name or ""])
    return shlex.join(["xgaze", context.info_name or "", *words])


def _as_typed(one: click.Parameter, value: Any) -> list[str]:
    """An argument or option with its value, as words."""
    if isinstance(one, click.Option) and one.is_flag:
        return [one.opts[0]] * bool(value)
    start = [one.opts[0]] if isinstance(one, click.Option) else []
    return [word for each in (value if one.multiple else [value]) for word in (*start, str(each))]


def results_alone(command: click.Command) -> click.Command:
    """The command, while which runs standard output is kept for `emit`: what models of the user's own print is no result."""
    run = command.callback
    assert run is not None

    @wraps(run)
    def alone(*args: Any, **kwargs: Any) -> Any:
        click.get_current_context().meta[RESULTS] = sys.stdout
        with redirect_stdout(sys.stderr):
            return run(*args, **kwargs)

    command.callback = alone
    return command


def emit(figures: dict[str, Any], words: list[str], as_json: bool) -> None:
    """The result on standard output: one JSON object, or lines for a person."""
    context = click.get_current_context(silent=True)
    results = context.meta.get(RESULTS) if context else None
    click.echo(json.dumps(figures) if as_json else "\n".join(words), file=results)


def note(line: str) -> None:
    """A remark on standard error."""
    click.echo(line, err=True)


def error_in_words(error: dict[str, Any], groups: str = "participants") -> str:
    """A score with unit and interval, which is over `groups`."""
    unit = error["unit"]
    if unit in MEASURED:
        mean, middle = (f"{error[key]:.{digits_of(unit)}f} {unit}" for key in ("mean", "median"))
        ends = f"{interval_in_words(error, groups, unit)}{over_samples_in_words(error)}"
        return f"{mean} (median {middle}; {ends}){degrees_in_words(error)}"
    return f"{unit} {error['mean']:.3f} ({interval_in_words(error, groups)})"


def interval_in_words(figure: dict[str, Any], groups: str, unit: str = "") -> str:
    """As "95 % interval over participants 29.0 to 33.4 px", or that it is not defined."""
    if figure["low"] is None or figure["high"] is None:
        return f"95 % interval over {groups} {NOT_DEFINED}: too few of them"
    digits = digits_of(unit)
    return f"95 % interval over {groups} {figure['low']:.{digits}f} to {figure['high']:.{digits}f} {unit}".rstrip()


def ends_in_words(figure: dict[str, Any], style: str) -> str:
    """As "[-0.8, +1.9]" with style "+.1f", or "[not defined]"."""
    if figure["low"] is None or figure["high"] is None:
        return f"[{NOT_DEFINED}]"
    return f"[{figure['low']:{style}}, {figure['high']:{style}}]"


def short_error(error: dict[str, Any]) -> str:
    """A score with its unit."""
    unit = error["unit"]
    return f"{error['mean']:.{digits_of(unit)}f} {unit}" if unit in MEASURED else f"{unit} {error['mean']:.3f}"


def nothing_learned(figures: dict[str, Any], groups: str) -> list[str]:
    """What is said first where a model, or what a student is measured against, is no better than guessing."""
    return [told] if (told := reference_learned(figures, groups)) else []


def scored_so_far(run: Path, groups: str, labels: bool = True) -> str:
    """How often the run's test participants were scored, as a line."""
    return f"  {scored_in_words(read_scorings(run), groups, labels)}"


def rendered_warning(rendered: bool) -> list[str]:
    """A line for every result made from rendered data."""
    return ["These are rendered eyes, not recorded ones: the figures hold for the rendered recording only."] * rendered
