"""A data format: its section of a recipe, and what is asked of its files: a file in `xgaze.data.sources`, or registered."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from xgaze.recipe.data_sections import DataSection
from xgaze.recipe.sources import SOURCES

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.data.fixations.fixation_format import FixationFormat
    from xgaze.progress import Advance

__all__ = ["SOURCES", "Source", "same_data", "source_of"]

S = TypeVar("S", bound=DataSection)


class Source(Generic[S]):
    """All but `section` and `open` has an answer that holds for most. A recipe is read with `section` alone, so what is heavy is
    imported when it is used. Whatever is wrong with files raises InputError."""

    section: type[S]
    in_memory = False
    """Whether this process alone holds its recordings."""
    samples = ""
    """What its samples are called, where they are neither frames (of gaze) nor pictures."""

    @property
    def name(self) -> str:
        """The tag of its section."""
        return str(get_args(self.section.model_fields["source"].annotation)[0])

    def open(self, data: S, progress: "Advance | None" = None) -> "Recording":
        """The recording that a section describes. Raises InputError with all faults that show without decoding pictures."""
        raise NotImplementedError

    def spec(self, data: S) -> "Spec | None":  # noqa: ARG002
        """What models read and predict, where it is known before anything is opened."""
        return None

    def check(self, data: S, advance: "Advance | None" = None) -> "Checked":
        """Every fault; advance(done, total) follows the decoding."""
        from xgaze.data.checks.opened import check_opened
        from xgaze.data.teacher_truth import told_by

        return check_opened(lambda: told_by(data, self.open(data)), advance)

    def remarks(self, data: S) -> list[str]:  # noqa: ARG002
        """What `check` says of a sound recording besides, without decoding a picture."""
        return []

    def caveats(self, stored: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        """What no run on it can show, in plain words; stored: its section as JSON."""
        return []

    def for_prediction(self, data: S, spec: "Spec", trained_on: DataSection) -> "Recording":  # noqa: ARG002
        """The same for a model with `spec` that was trained on another section, or on this one: labels may be missing."""
        return self.open(data)

    def files_for_prediction(self, path: Path, data: S, spec: "Spec") -> "Recording":
        """Files in the format of `data`, which a model with `spec` was trained on."""
        return self.for_prediction(data.model_copy(update={"path": path}), spec, data)

    def unlabelled(self, data: S, spec: "Spec", progress: "Advance | None" = None) -> "Recording | None":  # noqa: ARG002
        """What `data.unlabelled` describes, where it is something else than files."""
        return None

    def held_out(self, data: S) -> set[str]:
        """Validation and test participants."""
        from xgaze.data.splits import held_out_of

        return held_out_of(self.open(data))

    def fixations(self, data: S) -> "tuple[Path, FixationFormat] | None":  # noqa: ARG002
        """The fixations that it is made of, and how they are read."""
        return None


def same_data(data: DataSection, other: DataSection) -> bool:
    """Equal, wherever relative paths start, and whoever says what is true: people whose labels are found later are no others."""
    whole = [
        one.without_labels().model_copy(update={"path": one.path.resolve()})  # type: ignore[attr-defined]
        for one in (data, other)
        if type(one) is type(data)
    ]
    return len(whole) == 2 and whole[0] == whole[1]


def source_of(data: DataSection) -> Source[Any]:
    """The source that a section's tag names."""
    found = SOURCES[data.source]
    assert isinstance(found, Source)
    return found
