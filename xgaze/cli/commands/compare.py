"""`xgaze compare`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import CARD_FILE, STUDENT, TEACHER, read_card
from xgaze.cli.common import CHECKPOINTS, REPORTS, emit, read_recipe
from xgaze.errors import InputError, nearest
from xgaze.evaluation.comparison import compare_predictions, read_test_predictions, require_same_kind
from xgaze.explanation.human.run_comparison import compare_human, read_human
from xgaze.report.page.comparison import verdict, write_comparison
from xgaze.report.page.human_comparison import human_verdicts
from xgaze.report.page.index import write_index
from xgaze.report.results import gather
from xgaze.units import measured_in

ROLES = (TEACHER, STUDENT)


@click.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(first: str, second: str, as_json: bool) -> None:
    """Show two finished runs side by side, FIRST and SECOND, with paired differences per test participant.

    A run is the name of its folder in checkpoints/, or its recipe's YAML file. Runs whose test participants, unit or scene differ
    are refused.

    \b
    Example:
      xgaze compare multi-eye multi-eye-small
    """
    names = (run_name(first), run_name(second))
    if names[0] == names[1]:
        raise InputError(f"{names[0]}: a run cannot be compared with itself; name two runs.")
    runs = (CHECKPOINTS / names[0], CHECKPOINTS / names[1])
    pairs = paired(runs, names)
    page = REPORTS / f"compare-{names[0]}-{names[1]}.html"
    reports = (gather(runs[0])[0], gather(runs[1])[0])
    looked = compare_human(*(read_human(run / "explanation") for run in runs))
    write_comparison(page, reports, pairs, looked)
    write_index(REPORTS)
    told = {role: {key: pair[key] for key in pair if key != "rows"} for role, pair in pairs.items()}
    words = [verdict(role, pair, names) for role, pair in pairs.items()]
    words += human_verdicts(looked, names) if looked else []
    told |= {"human": looked} if looked else {}
    emit({"report": str(page), **told}, [*words, f"Report:  {page}"], as_json)


def run_name(given: str) -> str:
    """The folder in checkpoints/ of a run given by name or by recipe file. Raises InputError when it has no teacher."""
    name = read_recipe(given, ()).name if Path(given).suffix in (".yaml", ".yml") else given
    if not (CHECKPOINTS / name / TEACHER / CARD_FILE).is_file():
        known = [one.parent.parent.name for one in CHECKPOINTS.glob(f"*/teacher/{CARD_FILE}")]
        there = nearest(name, known) if known else "no run lies there yet: train one with `xgaze train-teacher`."
        raise InputError(f"{CHECKPOINTS / name}: no finished run; {there}")
    return name


def paired(runs: tuple[Path, Path], names: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """Role -> paired differences, for every role that both runs have finished."""
    there = [role for role in ROLES if all((run / role / CARD_FILE).is_file() for run in runs)]
    return {role: _pair(runs[0] / role, runs[1] / role, names) for role in there}


def _pair(first: Path, second: Path, names: tuple[str, str]) -> dict[str, Any]:
    spec, other = read_card(first).spec, read_card(second).spec
    require_same_kind((spec, other), names)
    unit = measured_in(spec.get("kind", ""), spec["unit"])
    pair = compare_predictions(read_test_predictions(first), read_test_predictions(second), names, unit)
    return {**pair, "groups": spec.get("groups", "participants")}
