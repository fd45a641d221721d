"""What a section of the page is. Each lies in a file of its own in `sections`, its template beside it, or comes from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from xgaze.artifacts import ModelCard
from xgaze.catalogue import Catalogue
from xgaze.report.drawing.svg import Chart
from xgaze.report.drawing.tables import Table

Report = dict[str, Any]
Maps = Mapping[str, NDArray[Any]]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """A run's results, to gather a report from. explanation: as `xgaze explain` stored it, {} before that."""

    folder: Path
    teacher: ModelCard
    student: ModelCard | None
    explanation: Mapping[str, Any]


def nothing(_report: Report) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Scripted:
    """What a section needs a reader's browser to run: without scripts it is not to be seen, nor its link.

    scripts, style: files that become part of the page's one script and one style, where it is there. ready: whether a report
    holds what they run; its data are not embedded with the rest of the report then, as the section brings its own. smaller: the
    report with less for it, where the page is too large; None where nothing can be left out any more.
    """

    scripts: tuple[Path, ...]
    style: Path
    ready: Callable[[Report], bool]
    smaller: Callable[[Report], Report | None]


@dataclass(frozen=True)
class Section:
    """One part of the page, all of it: what it reads, says, draws and writes beside the page.

    name: its id on the page. place: sections stand in ascending order. label: in the navigation, and the default heading.
    reads: keys of report.json -> their types, which become part of its schema. gather: their values from a run's files; None
    takes them from the explanation. always: shown even where none of them holds anything.
    words: paragraphs. charts, tables: by name; a chart's table has its name. csv: file name -> rows; none writes no file.
    answers: (question, answer) for the first screen. awaits: (what is not there yet, the command that makes it: "distill" or
    "explain"). template: a jinja file that is given `report`, `groups`, `words`, `charts`, `tables` and what `shows` adds; None:
    heading, words, charts with their numbers, and the tables that are left. scripted: of a section that runs something.
    """

    name: str
    place: float
    label: str | Callable[[Report], str]
    reads: Mapping[str, Any] = field(default_factory=dict)
    gather: Callable[[Run], Mapping[str, Any]] | None = None
    always: bool = False
    words: Callable[[Report], Sequence[str]] = lambda _report: ()
    charts: Callable[[Report], Mapping[str, Chart]] = nothing
    tables: Callable[[Report], Mapping[str, Table]] = nothing
    csv: Mapping[str, Callable[[Report], Rows]] = field(default_factory=dict)
    answers: Callable[[Report], Sequence[tuple[str, str]]] = lambda _report: ()
    awaits: Callable[[Report], Sequence[tuple[str, str]]] = lambda _report: ()
    shows: Callable[[Report, Maps], Mapping[str, Any]] = lambda _report, _maps: {}
    template: Path | None = None
    scripted: Scripted | None = None

    def there(self, report: Report) -> bool:
        """Whether the page has it."""
        return self.always or any(report.get(key) for key in self.reads)

    def runs(self, report: Report) -> bool:
        """Whether it has something to run in the reader's browser."""
        return self.scripted is not None and self.scripted.ready(report)

    def named(self, report: Report) -> str:
        return self.label if isinstance(self.label, str) else self.label(report)

    def gathered(self, run: Run) -> dict[str, Any]:
        """Its part of report.json; every key that it reads is there."""
        found = run.explanation if self.gather is None else self.gather(run)
        return {key: found.get(key) for key in self.reads}


SECTIONS: Catalogue[Section] = Catalogue("report section", "xgaze.report.sections", "SECTION")


def in_reading_order() -> list[Section]:
    """All there are, as the page shows them."""
    return sorted(SECTIONS.values(), key=lambda one: (one.place, one.name))


def with_every_key(report: Report) -> Report:
    """The same report with None for what it lacks, so that a section need not ask whether a key is there."""
    return {**{key: None for one in in_reading_order() for key in one.reads}, **report}


def rows_at(*path: str) -> Callable[[Report], Rows]:
    """The rows that lie under these keys of a report; none where a key is not there."""

    def rows(report: Report) -> Rows:
        found: Any = report
        for key in path:
            found = (found or {}).get(key)
        return found or []

    return rows


def points_at(*path: str) -> Callable[[Report], Rows]:
    """As `rows_at`, of lines (a variable, and lists of values): one row per point."""

    def rows(report: Report) -> Rows:
        return [point for line in rows_at(*path)(report) for point in _points(line)]

    return rows


def _points(line: dict[str, Any]) -> Rows:
    columns = {key: values for key, values in line.items() if isinstance(values, list)}
    places = range(len(line["values"]))
    return [{"variable": line["variable"], **{key: values[k] for key, values in columns.items()}} for k in places]
