"""What the functions for Python return: figures with intervals, and tables of them in a notebook."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.api.runs import Run
from xgaze.artifacts import BESIDE, STUDENT, TEACHER, ModelCard
from xgaze.errors import InputError
from xgaze.report.claims import ADOPTED, is_adopted, once_calibrated, unseen
from xgaze.report.drawing.format import NOT_DEFINED, OF_SPREAD
from xgaze.report.words import beside_in_words
from xgaze.units import digits_of

if TYPE_CHECKING:
    from xgaze.api.stored_model import StoredModel

WORSE_DIGITS, PLAIN_UNITS = 1, ("%", "points", OF_SPREAD)


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval over `over`, such as participants. low and high are None where too few of them leave it
    without ends."""

    mean: float
    low: float | None
    high: float | None
    unit: str = ""
    over: str = "participants"
    signed: bool = False

    @classmethod
    def of(cls, stored: dict[str, Any], unit: str, over: str, signed: bool = False) -> "Figure":
        return cls(stored["mean"], stored["low"], stored["high"], unit, over, signed)

    def __str__(self) -> str:
        style = f"{'+' if self.signed else ''}.{1 if self.unit in PLAIN_UNITS else digits_of(self.unit)}f"
        ends = NOT_DEFINED if self.low is None or self.high is None else f"{self.low:{style}}, {self.high:{style}}"
        return " ".join(filter(None, (f"{self.mean:{style}}", self.unit, f"[{ends}]")))

    __repr__ = __str__


class Told:
    """Says in a few lines, and in a notebook as a table, what `rows` hold."""

    def title(self) -> str:
        raise NotImplementedError

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        rows = self.rows()
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([self.title(), *(f"  {name:{width}}  {value}" for name, value in rows)])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in self.rows())
        return f"<table><caption>{escape(self.title())}</caption>{rows}</table>"


def _has_labels(card: ModelCard) -> bool:
    """Whether anybody but the teacher says what is true."""
    return bool(card.spec.get("truth", "recorded") == "recorded")


@dataclass(frozen=True, repr=False)
class Teacher(Told):
    """A trained teacher: its card, and the folder it lies in."""

    run: Run
    folder: Path
    card: ModelCard

    @property
    def error(self) -> Figure:
        """On test participants, whom it never saw; of classes the score, where more is better. Raises InputError without
        labels."""
        if not _has_labels(self.card):
            raise InputError("error: there are no labels, and what this teacher puts out is taken for true.")
        stored = self.card.metrics["error"]
        return Figure.of(stored, stored["unit"], self.groups)

    @property
    def groups(self) -> str:
        """Whom the splits keep apart, and intervals are over."""
        return str(self.card.spec.get("groups", "participants"))

    @property
    def model(self) -> "StoredModel":
        """The network, an nn.Module in evaluation mode."""
        from xgaze.api.stored_model import stored_model

        return stored_model(self.folder, self.run.recipe.model)

    def title(self) -> str:
        return f"Teacher '{self.run.recipe.name}'"

    def rows(self) -> list[tuple[str, str]]:
        metrics = self.card.metrics
        people = metrics["participants"]
        beside = {name: Figure.of(one, one["unit"], self.groups) for name, one in metrics["baselines"].items()}
        labels, learned = (
            _has_labels(self.card),
            "yes" if metrics.get("learned") else "no: it is not better than guessing",
        )
        return [
            *([("adopted", ADOPTED)] if is_adopted(vars(self.card)) else []),
            (
                f"on {people['test']} {unseen(vars(self.card))} {self.groups}",
                str(self.error) if labels else "not scored: there are no labels",
            ),
            *((f"{'beside' if labels else 'from'} it: {name}", str(one)) for name, one in beside.items()),
            *(("beside the main target", told) for told in beside_in_words(metrics.get(BESIDE))),
            *([("learned", learned)] if labels else []),
            ("parameters", f"{metrics['parameters']:,} ({metrics['fc_parameters']:,} in fully connected layers)"),
            ("lies in", str(self.folder)),
        ]


@dataclass(frozen=True, repr=False)
class Distilled(Told):
    """A student that was found, how much worse it is, and the folder it lies in."""

    run: Run
    folder: Path
    card: ModelCard

    @property
    def student(self) -> "StoredModel":
        """The network, an nn.Module in evaluation mode; `student.save(folder)` takes it elsewhere."""
        from xgaze.api.stored_model import stored_model

        return stored_model(self.folder, self.run.recipe.model)

    @property
    def worse(self) -> Figure:
        """How much worse it is than the teacher, or than the teacher given the same tuning where that is better. Without labels
        how far it is from the teacher, in percent of the spread of that one's outputs within people."""
        metrics = self.card.metrics
        return Figure.of(metrics["difference_percent"], metrics["worse_unit"], self.groups, signed=True)

    @property
    def error(self) -> Figure:
        """The student's on test participants; of classes the score, where more is better. Without labels its disagreement with
        the teacher."""
        stored = self.card.metrics[STUDENT]["error"]
        return Figure.of(stored, stored["unit"], self.groups)

    @property
    def budget_met(self) -> bool:
        """Whether the upper end of `worse` keeps the budget, on test participants."""
        return bool(self.card.metrics["budget_met"])

    @property
    def groups(self) -> str:
        """Whom the splits keep apart, and intervals are over."""
        return str(self.card.spec.get("groups", "participants"))

    def title(self) -> str:
        return f"Student of '{self.run.recipe.name}'"

    def rows(self) -> list[tuple[str, str]]:
        metrics = self.card.metrics
        sizes = {role: metrics[role] for role in (TEACHER, STUDENT)}
        kept = "kept" if self.budget_met else "missed"
        labels = _has_labels(self.card)
        worse, error = f"worse than the {metrics['reference']}{once_calibrated(metrics)}", "error"
        if not labels:
            worse, error = "away from the teacher", "disagreement with the teacher"
        return [
            (worse, f"{self.worse}; the budget of {metrics['budget_percent']:g} is {kept}"),
            ("score" if self.card.spec["kind"] == "class" else error, f"{self.error}"),
            *(
                (words, f"{sizes[STUDENT][key]:,} of {sizes[TEACHER][key]:,}")
                for key, words in (("parameters", "parameters"), ("fc_parameters", "in fully connected layers"))
            ),
            *(("beside the main target", told) for told in beside_in_words(metrics.get(BESIDE))),
            ("chosen for", str(metrics["reason"])),
            *(("surgery", f"{one['words']}: {one['where']}") for one in self.card.surgeries),
            ("lies in", str(self.folder)),
        ]


@dataclass(frozen=True, repr=False)
class Explanation(Told):
    """What explains teacher and student; `found` is explanation.json."""

    run: Run
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def samples(self) -> list[str]:
        """Ids of the samples that were explained one by one."""
        return [str(one["id"]) for one in self.found["attribution"]["samples"]]

    def report(self, file: str | Path | None = None) -> Path:
        """Write the page; a copy of it to `file`. One HTML file, opens offline. Returns where it lies."""
        from xgaze.artifacts import write_text
        from xgaze.report.page.publish import publish

        page = publish(self.run.folder, self.run.report_folder)
        if file is None:
            return page
        write_text(Path(file), page.read_text(encoding="utf-8"))
        return Path(file)

    def title(self) -> str:
        return f"Explanation of '{self.run.recipe.name}'"

    def rows(self) -> list[tuple[str, str]]:
        agreement = self.found.get("agreement") or {"rows": []}
        over = str(agreement.get("groups", "participants"))
        return [
            ("samples", ", ".join(self.samples)),
            *((f"agreement, {one['pair']}", str(Figure.of(one["spearman"], "", over))) for one in agreement["rows"]),
            ("page", "write it with .report(file)"),
        ]
