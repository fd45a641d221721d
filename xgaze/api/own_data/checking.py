"""Everything that is wrong with a recording: by itself, and for a model that shall read it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.api.outcomes import Told
from xgaze.api.runs import python_words
from xgaze.data.fault_kinds import KINDS, REMEDIES, Checked, summarise
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import Data, load_data

if TYPE_CHECKING:
    from xgaze.api.opening import OpenRecording
    from xgaze.data.contract import Recording
    from xgaze.data.sources.arrays import ArrayRecording


@dataclass(frozen=True, repr=False, eq=False)
class Soundness(Told):
    """faults: by kind, each with `count`, the `first` messages and the `remedy`; remarks: what is no fault, in words."""

    faults: list[dict[str, Any]]
    remarks: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults

    def title(self) -> str:
        return "No fault found" if self.sound else f"{sum(one['count'] for one in self.faults)} faults"

    def rows(self) -> list[tuple[str, str]]:
        told = [(one["kind"], f"{line} {one['remedy']}") for one in self.faults for line in one["first"]]
        return [*told, *(("remark", one) for one in self.remarks)]


def check(
    data: "OpenRecording | ArrayRecording | str | Path",
    *,
    against: str | Path | None = None,
    trust_import: bool = False,
) -> Soundness:
    """Everything that is wrong with a recording, at once; writes nothing.

    data: a data definition (YAML) or a recipe, or what `xgaze.open` or `xgaze.ArrayRecording` give. against: the folder of a
    model that shall read it: pictures that are mirrored, turned, inverted, of another scale or order of channels than those it
    was trained on, and labels that are shifted in time, are faults too.

    Raises InputError for data that cannot be read at all, and for a folder that holds no model of such inputs.
    """
    from xgaze.progress import progress_bar

    with python_words(), progress_bar("checking") as advance:
        found = _checked(data, None if against is None else Path(against), trust_import, advance)
    faults = [{**one, "remedy": REMEDIES[one["kind"]]} for one in summarise(found.faults)]
    return Soundness(faults, found.remarks)


def _checked(data: Any, against: Path | None, trust_import: bool, advance: Advance | None) -> Checked:
    from xgaze.data.checks.opened import check_opened
    from xgaze.data.sources.arrays import ArrayRecording

    if isinstance(data, ArrayRecording):
        return with_model(lambda: check_opened(lambda: data, advance), lambda _: data, against, trust_import, advance)
    definition = load_data(Path(data)) if isinstance(data, str | Path) else data.definition
    return checked_definition(definition, against, trust_import, advance)


def checked_definition(
    definition: Data, against: Path | None, trust_import: bool = False, advance: Advance | None = None
) -> Checked:
    """Of what a data section describes."""
    from xgaze.data.checks.soundness import checked
    from xgaze.data.source import source_of
    from xgaze.data.teacher_truth import told_by

    def opened(model: Any) -> "Recording":
        from xgaze.compression.student import trained_on

        trained = trained_on(model.folder, model.card)
        return told_by(definition, source_of(definition).for_prediction(definition, model.spec, trained))

    return with_model(lambda: checked(definition, advance), opened, against, trust_import, advance)


def with_model(
    check_alone: Callable[[], Checked],
    opened: "Callable[[Any], Recording]",
    against: Path | None,
    trust_import: bool,
    advance: Advance | None,
) -> Checked:
    """What is found without a model, and with the one in a folder. A recording with faults that cannot be held against it is told
    without; a sound one raises InputError."""
    if against is None:
        return check_alone()
    from xgaze.api.own_data.held_against_model import faults_with, model_of

    model = model_of(against, trust_import)  # before any picture is decoded
    found = check_alone()
    try:
        more = faults_with(model, opened(model.network), advance)
    except InputError as error:
        if not found.faults:
            raise
        more = Checked((), (f"Not held against {against}: {error}",))
    faults = sorted((*found.faults, *more.faults), key=lambda fault: KINDS.index(fault.kind))
    return replace(found, faults=tuple(faults), remarks=(*found.remarks, *more.remarks))
