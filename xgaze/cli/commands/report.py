"""`xgaze report`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import write_text
from xgaze.cli.common import DEFAULT_RECIPE, emit, read_recipe, run_of
from xgaze.errors import InputError
from xgaze.report.check_kinds import CHECKS, SCORE, WORSE
from xgaze.report.conditions import DEFAULTS, conditions
from xgaze.report.page.pdf import find_browser, print_pdf
from xgaze.report.page.publish import publish_held
from xgaze.report.verdicts import counted, junit_xml, unmet

UNITS = {SCORE: "px, ms or the score's name", WORSE: "% (points for classes)", "": "", "x": "times"}


@click.command("report")
@click.argument("recipe", default=DEFAULT_RECIPE)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@click.option(
    "--assert",
    "asked",
    multiple=True,
    metavar="CONDITION",
    help='Such as "worse.high <= 2"; exit code 1 unless it holds.',
)
@click.option("--checks", "listed", is_flag=True, help="List what conditions can be put to, and do nothing else.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write the verdicts as JUnit XML too.")
@click.option("--pdf", is_flag=True, help="Print the page to index.pdf beside it; needs Chromium.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(recipe: str, overrides: tuple[str, ...], asked: tuple[str, ...], as_json: bool, **wanted: Any) -> None:
    """Write RECIPE's report again from the results that lie there, computing nothing.

    With --assert it is a gate: exit code 1 where a condition fails, or what it asks was not run. All verdicts are at the top of
    the page and in checks.json. `--assert defaults` asks for those that every run is held against.

    \b
    Example:
      xgaze report multi-eye
      xgaze report --assert "worse.high <= 2" --assert "student.bytes <= 400kB"
    """
    if wanted["listed"]:
        emit({"checks": catalogue()}, catalogue_in_words(), as_json)
        return
    junit, pdf = wanted["junit"], wanted["pdf"]
    held = conditions(asked or (DEFAULTS,) * (junit is not None))
    settings = read_recipe(recipe, overrides)
    ready(junit, pdf)
    run = run_of(settings)
    page, rows = publish_held(run.folder, run.report_folder, held)
    index = str(page.parent.parent / "index.html")
    figures = {"report": str(page), "report_bytes": page.stat().st_size, "index": index, "checks": rows}
    lines = [*verdicts_in_words(rows), f"Report:  {page}", f"All:     {index}"]
    if junit is not None:
        write_text(junit, junit_xml(rows, settings.name))
        figures["junit"] = str(junit)
    if pdf:
        figures["pdf"] = str(print_pdf(page))
        lines.append(f"PDF:     {figures['pdf']}")
    emit(figures, lines, as_json)
    if unmet(rows):
        raise click.exceptions.Exit(1)


def ready(junit: Path | None, pdf: bool) -> None:
    """Raises InputError where a file cannot be written, before any is."""
    if junit is not None:
        require_place(junit)
    if pdf:
        find_browser()


def require_place(file: Path) -> None:
    """Raises InputError where no file can be written there."""
    if file.is_dir():
        raise InputError(f"--junit {file}: a folder, not a file.")
    if not file.parent.is_dir():
        raise InputError(f"--junit {file}: there is no folder {file.parent}.")


def verdicts_in_words(rows: list[dict[str, Any]]) -> list[str]:
    """What was asked for, one by one; how the others stand, in one line."""
    own, others = ([one for one in rows if one["asked"] == wanted] for wanted in (True, False))
    lines = [f"{one['verdict']:<8}{one['condition']}: {one['told']}" for one in own]
    lines += [f"Asked:   {counted(own)}."] if own else []
    return lines + ([f"Checks:  {counted(others)} of those that every run is held against."] if others else [])


def catalogue() -> list[dict[str, str]]:
    """Every check that there is."""
    return [
        {"name": one.name, "unit": UNITS.get(one.unit, one.unit), "default": one.default, "words": one.words}
        for one in CHECKS.values()
    ]


def catalogue_in_words() -> list[str]:
    rows = catalogue()
    width = max(len(one["name"]) for one in rows)
    return [
        f"{one['name']:<{width}}  {one['words']}{', ' * bool(one['unit'])}{one['unit']}"
        + (f" [{one['default']}]" if one["default"] else "")
        for one in rows
    ] + [f"In brackets: what every run is held against (--assert {DEFAULTS})."]
