"""`xgaze report`"""

import click

from xgaze.cli.common import DEFAULT_RECIPE, emit, read_recipe, run_of
from xgaze.report.page.pdf import find_browser, print_pdf
from xgaze.report.page.publish import publish


@click.command("report")
@click.argument("recipe", default=DEFAULT_RECIPE)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@click.option("--pdf", is_flag=True, help="Print the page to index.pdf beside it; needs Chromium.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(recipe: str, overrides: tuple[str, ...], pdf: bool, as_json: bool) -> None:
    """Write RECIPE's report again from the results that lie there, computing nothing.

    \b
    Example:
      xgaze report multi-eye
    """
    settings = read_recipe(recipe, overrides)
    if pdf:
        find_browser()  # before anything is written
    run = run_of(settings)
    page = publish(run.folder, run.report_folder)
    figures = {
        "report": str(page),
        "report_bytes": page.stat().st_size,
        "index": str(page.parent.parent / "index.html"),
    }
    lines = [f"Report:  {page}", f"All:     {figures['index']}"]
    if pdf:
        figures["pdf"] = str(print_pdf(page))
        lines.append(f"PDF:     {figures['pdf']}")
    emit(figures, lines, as_json)
