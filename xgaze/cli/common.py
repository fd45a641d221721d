"""What all commands share: recipe options, folders, JSON or words, and errors that speak to people."""

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from xgaze.data.contract import Recording
from xgaze.data.open import open_recording
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe, load_recipe

DEFAULT_RECIPE = "multi-eye"
CHECKPOINTS = Path("checkpoints")
REPORTS = Path("reports")
MEASURED = ("px", "ms")
RESULTS = "xgaze.results"

Command = TypeVar("Command", bound=Callable[..., Any])


def recipe_options(command: Command) -> Command:
    """RECIPE, --set, --force and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to stderr."),
        click.option("--force", is_flag=True, help="Compute again even if a finished result lies there."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe."),
        click.argument("recipe", default=DEFAULT_RECIPE),
    ):
        command = option(command)
    return command


def fan_options(jobs: str) -> Callable[[Command], Command]:
    """--workers and --dask: where `jobs`, such as "Folds", are done."""

    def decorate(command: Command) -> Command:
        where = f"Do {jobs.lower()} on the Dask cluster of this scheduler (it must see this folder)."
        together = f"{jobs} done at the same time, in processes."
        command = click.option("--dask", metavar="ADDRESS", help=where)(command)
        return click.option("--workers", type=click.IntRange(1), default=1, help=together)(command)

    return decorate


def read_recipe(name_or_path: str, overrides: tuple[str, ...]) -> Recipe:
    return load_recipe(name_or_path, overrides)


def run_folder(recipe: Recipe) -> Path:
    """Where the recipe's models lie."""
    return CHECKPOINTS / recipe.name


def report_folder(recipe: Recipe) -> Path:
    """Where the recipe's report lies."""
    return REPORTS / recipe.name


def open_data(recipe: Recipe) -> Recording:
    """The recipe's recording, with a bar while it is rendered or read."""
    with progress_bar("preparing the recording") as advance:
        return open_recording(recipe.data, advance)


def next_command(command: str, name_or_path: str, overrides: tuple[str, ...]) -> str:
    """The command to run next, for the same recipe."""
    words = ["xgaze", command]
    if name_or_path != DEFAULT_RECIPE:
        words.append(name_or_path)
    words += [f"--set {one}" for one in overrides]
    return " ".join(words)


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
        return (
            f"{error['mean']:.1f} {unit} (median {error['median']:.1f} {unit}; "
            f"95 % interval over {groups} {error['low']:.1f} to {error['high']:.1f} {unit})"
        )
    return (
        f"{error['unit']} {error['mean']:.3f} (95 % interval over {groups} {error['low']:.3f} to {error['high']:.3f})"
    )


def short_error(error: dict[str, Any]) -> str:
    """A score with its unit."""
    return (
        f"{error['mean']:.1f} {error['unit']}" if error["unit"] in MEASURED else f"{error['unit']} {error['mean']:.3f}"
    )


def rendered_warning(rendered: bool) -> list[str]:
    """A line for every result made from rendered data."""
    return ["These are rendered eyes, not recorded ones: the figures hold for the rendered recording only."] * rendered
