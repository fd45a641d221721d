"""`xgaze calibrate`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.cli.common import emit, next_command, note, read_recipe, recipe_and_settings, run_of

NUMBERS = "--points"


class SeveralNumbers(click.Command):
    """`--points 1 3 5` is `--points 1 --points 3 --points 5`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        told: list[str] = []
        for before, word in zip(["", *args], args, strict=False):
            more = word.isdecimal() and before.isdecimal() and NUMBERS in told
            told += [NUMBERS, word] if more else [word]
        return super().parse_args(ctx, told)


@click.command("calibrate", cls=SeveralNumbers)
@recipe_and_settings
@click.option(
    NUMBERS,
    multiple=True,
    type=click.IntRange(1),
    metavar="K ...",
    help="Calibration points per person. [those of 1 3 5 9 13 that all have]",
)
@click.option(
    "--how",
    type=click.Choice(["affine", "poly2", "ridge", "svr"]),
    default="affine",
    show_default=True,
    help="affine, poly2: of the prediction; ridge, svr: on six directions of the head. (--person: not svr)",
)
@click.option(
    "--person", type=click.Path(path_type=Path), metavar="INPUT", help="One person's recording, as for predict."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File for the map of --person.")
@click.option("--role", type=click.Choice([STUDENT, TEACHER]), default=STUDENT, help="Whose map. [student]")
def calibrate(recipe: str, overrides: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """How good are RECIPE's teacher and student once they know the person?

    For each test person a map is fitted on K frames at K target points and scored on frames at other points; how strongly it may
    bend is chosen on validation people. Test people are scored, which is counted.
    With --person and --out: write the map of one person, which xgaze predict --calibrate takes.

    \b
    Example:
      xgaze calibrate --points 1 3 5
      xgaze calibrate --person anna.yaml --out anna.json
    """
    settings = read_recipe(recipe, overrides)
    if (asked["person"] is None) != (asked["out"] is None):
        raise click.UsageError("--person and --out go together: whose frames, and where the map is written.")
    from xgaze.api.calibrating import Calibration, calibrate_run, personal_map

    run = run_of(settings, next_command("train-teacher", recipe, overrides))
    if asked["person"] is not None:
        one = personal_map(run, asked["person"], asked["how"], asked["role"], asked["out"])
        size = asked["out"].stat().st_size
        made_of = f"on {one.points} frames: {one.weights.size} numbers, {size:,} bytes"
        told = f"Calibrated for '{one.participant}' {made_of}: {asked['out']}"
        emit(
            {"out": str(asked["out"]), "numbers": one.weights.size, "bytes": size, "points": one.points},
            [told],
            as_json,
        )
        return
    made: Calibration = calibrate_run(run, asked["points"], asked["how"])
    note("Kept for the report: `xgaze report` shows it.")
    emit({"how": made.how, "rows": made.flat()}, in_words(made), as_json)


def in_words(made: Any) -> list[str]:
    """The lines for a person."""
    last = made.rows_found[-1]
    lines = repr(made).splitlines()
    if "worse_after_percent" in last:
        before, after = last["worse_before_percent"], last["worse_after_percent"]
        lines.append(
            f"With the most points, the student is {after} % worse than the teacher; before, on the same frames, {before} %."
        )
    return lines
