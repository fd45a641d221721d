"""`xgaze report`"""

import click

from xgaze.cli.common import DEFAULT_RECIPE, emit, read_recipe, report_folder, run_folder
from xgaze.report.results import gather
from xgaze.report.write import write_report


@click.command("report")
@click.argument("recipe", default=DEFAULT_RECIPE)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(recipe: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Write RECIPE's report again from the results that lie there, computing nothing.

    \b
    Example:
      xgaze report multi-eye
    """
    settings = read_recipe(recipe, overrides)
    page = write_report(report_folder(settings), *gather(run_folder(settings)))
    emit({"report": str(page), "report_bytes": page.stat().st_size}, [f"Report:  {page}"], as_json)
