"""The targets beside the main one: what teacher and student make of each, and what always saying the mean would."""

from xgaze.artifacts import BESIDE, STUDENT
from xgaze.report.drawing.tables import Table, between, table
from xgaze.report.schemas import Error, Interval
from xgaze.report.section import Report, Run, Section
from xgaze.report.sections.once_calibrated import flat
from xgaze.report.words import beside_in_words, groups_in_words
from xgaze.stored import Stored
from xgaze.units import digits_of


class OfOneTarget(Stored):
    """Errors in its unit, means over people. mean: of always saying the training people's mean. Without a student its figures are
    null."""

    name: str
    kind: str
    unit: str
    mean: Error
    teacher: Error
    student: Error | None
    worse_percent: Interval | None


def _gather(run: Run) -> Report:
    metrics = (run.student or run.teacher).metrics
    return {BESIDE: metrics.get(BESIDE)}


def _words(report: Report) -> list[str]:
    who = groups_in_words(report)
    first = (
        "Beside the main target, which alone decides what is chosen and which budgets hold, the models tell further ones. Errors "
        f"are means over test {who}, each in its own unit, with 95 % intervals over them."
    )
    return [first, *beside_in_words(report[BESIDE])]


def _table(report: Report) -> Table:
    rows = report[BESIDE]
    compared = rows[0][STUDENT] is not None
    columns = ["target", "unit", "always the mean", "teacher", *(["student", "worse, %"] if compared else [])]
    cells = []
    for row in rows:
        digits = digits_of(row["unit"])
        both = (between(row[STUDENT], digits), between(row["worse_percent"])) if compared else ()
        cells.append((row["name"], row["unit"], between(row["mean"], digits), between(row["teacher"], digits), *both))
    return table("Targets beside the main one", columns, cells, words=(0, 1))


SECTION = Section(
    name=BESIDE.replace("_", "-"),
    place=41.2,
    label="Targets beside",
    reads={BESIDE: list[OfOneTarget] | None},
    gather=_gather,
    words=_words,
    tables=lambda report: {BESIDE: _table(report)},
    csv={BESIDE: lambda report: flat(report.get(BESIDE) or [])},
)
