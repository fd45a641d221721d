"""One experiment: its recipe, its recording where that is open already, and where its results lie."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.artifacts import TEACHER
from xgaze.errors import InputError
from xgaze.progress import progress_bar, remark
from xgaze.recipe import Recipe
from xgaze.recipe.loading import load_section

if TYPE_CHECKING:
    from xgaze.data.contract import Recording

CHECKPOINTS = Path("checkpoints")
REPORTS = Path("reports")
Say = Callable[[str], None]
IN_PYTHON: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"--set name=NEW": 'name="NEW"',
    r"--set ([\w.]*\.)?(\w+)=": r"\2=",
    r"`xgaze (train-teacher|distill|explain)( [^`]*)?`": lambda found: f"`xgaze.{found[1].replace('-', '_')}`",
    r"--sample (\S+):": r"samples: \1:",
    r"--(outer|inner|seeds) ": r"\1 ",
    r"(with )?--force\b": "force=True",
    r"\bmodel\.(takes|output)\b": r"`\1`",
}
"""What messages say of options of a command, and what is said of them in Python."""


@dataclass(frozen=True)
class Run:
    """recording: open already, as arrays are. command: what was typed, kept with the results. say: where remarks go.
    train_first: how the teacher is trained, as messages tell it."""

    recipe: Recipe
    checkpoints: Path = CHECKPOINTS
    reports: Path = REPORTS
    recording: "Recording | None" = field(default=None, repr=False)
    command: str = ""
    say: Say = field(default=remark, repr=False)
    train_first: str = "xgaze train-teacher"

    @property
    def folder(self) -> Path:
        """Where the recipe's models lie."""
        return self.checkpoints / self.recipe.name

    @property
    def report_folder(self) -> Path:
        """Where the recipe's report lies."""
        return self.reports / self.recipe.name

    def with_settings(self, section: str, settings: dict[str, Any], verb: str) -> "Run":
        """The run with some keys of a section of its recipe changed. Raises InputError, naming `verb`, for unknown ones."""
        stored = self.recipe.model_dump(mode="json", exclude_unset=True)
        stored[section] = {**stored.get(section, {}), **settings}
        return replace(self, recipe=load_section(Recipe, stored, (), Path(f"xgaze.{verb}")))


def opened(run: Run, divided: bool = True, adopting: bool = False) -> "Recording":
    """The run's recording, with a bar while it is rendered or read. Raises InputError where its splits hold too few to say
    anything, unless what follows divides it anew; what reading left out and what holds too few of a class are remarks. Where the
    run's teacher says what is true, that is in it, unless it is just being adopted."""
    from xgaze.data.notes import rare_classes
    from xgaze.data.open import open_recording
    from xgaze.data.splits import require_enough
    from xgaze.data.teacher_truth import judged_by_stored

    recording = run.recording
    if recording is None:
        with progress_bar("preparing the recording") as advance:
            recording = open_recording(run.recipe.data, advance)
    if not adopting:
        recording = judged_by_stored(recording, run.folder / TEACHER)
    for line in recording.notes:
        run.say(line)
    if divided:
        require_enough(recording.table, recording.spec.groups)
        for line in rare_classes(recording):
            run.say(line)
    return recording


def require_files(run: Run, workers: int) -> None:
    """Raises InputError for several processes at a recording that only this one holds."""
    from xgaze.data.source import source_of

    if workers > 1 and source_of(run.recipe.data).in_memory:
        raise InputError("workers: other processes cannot see arrays in memory; use one.")


@contextmanager
def recipe_faults_first(run: Run, divided: bool = True) -> Iterator[None]:
    """Where what lies in a folder is refused, say first what is wrong with the recipe itself: "other settings" would hide it."""
    try:
        yield
    except InputError:
        from xgaze.training.recipe_faults import check_recipe

        check_recipe(run.recipe, divided, run.recording)
        raise


@contextmanager
def python_words() -> Iterator[None]:
    """Messages say how it is written in Python, not on the command line."""
    try:
        yield
    except InputError as error:
        raise InputError(in_python(str(error))) from None


def in_python(told: str) -> str:
    """A message as Python says it."""
    for option, written in IN_PYTHON.items():
        told = re.sub(option, written, told)
    return told


def say_in_python(line: str) -> None:
    """A remark on standard error."""
    remark(in_python(line))
