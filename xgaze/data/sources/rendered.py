"""The embedded rendered recording: nothing is read, all is made."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from xgaze.data.eyes.eye_section import EyeFoldersData, Scene
from xgaze.data.source import Source
from xgaze.data.sources.eye_folders import SOURCE as EYE_FOLDERS
from xgaze.recipe.data_sections import DataSection, Section, Seed

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.data.rendered import RecordingSettings
    from xgaze.progress import Advance


class UnlabelledPeople(Section):
    """More rendered participants, whose gaze only the teacher tells; they are in no split."""

    participants: int = Field(ge=1, le=100_000)


class RenderedData(DataSection):
    """The embedded rendered recording: a head-mounted tracker with four eye cameras and an 800x600 scene camera.

    train_frames_per_participant: as many as of the others unless given; of more people with fewer frames a model learns more.
    """

    later = ("train_frames_per_participant",)
    source: Literal["rendered"]
    height: int = Field(128, ge=32, le=4096)
    width: int = Field(160, ge=32, le=4096)
    train_participants: int = Field(600, ge=2, le=100_000)
    validation_participants: int = Field(60, ge=2, le=100_000)
    test_participants: int = Field(160, ge=2, le=100_000)
    frames_per_participant: int = Field(12, ge=1, le=100_000)
    train_frames_per_participant: int | None = Field(None, ge=1, le=100_000)
    seed: Seed = 0
    unlabelled: UnlabelledPeople | None = None  # type: ignore[assignment]  # people are counted, no files


class Rendered(Source[RenderedData]):
    """Its section says who is in which split, so that all but its pictures is known before it is made."""

    section = RenderedData

    def open(self, data: RenderedData, progress: "Advance | None" = None) -> "Recording":
        from xgaze.data.rendered.rendered_recording import open_rendered

        return open_rendered(settings_of(data), progress)

    def spec(self, data: RenderedData) -> "Spec":
        from xgaze.data.rendered.rendered_recording import rendered_spec

        return rendered_spec(settings_of(data))

    def check(self, data: RenderedData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.checks.opened import check_table
        from xgaze.data.teacher_truth import told_by

        return check_table(lambda: told_by(data, self.open(data, advance)))

    def files_for_prediction(self, path: Path, data: RenderedData, spec: "Spec") -> "Recording":  # noqa: ARG002
        """Folders of eyes as `xgaze render` writes them."""
        return EYE_FOLDERS.files_for_prediction(path, eye_format(path, spec), spec)

    def unlabelled(self, data: RenderedData, spec: "Spec", progress: "Advance | None" = None) -> "Recording | None":
        from xgaze.data.rendered.rendered_recording import unlabelled_people

        if data.unlabelled is None:
            return None
        return unlabelled_people(settings_of(data), data.unlabelled.participants, spec, progress)

    def held_out(self, data: RenderedData) -> set[str]:
        """Known without rendering them."""
        from xgaze.data.rendered import participant_id
        from xgaze.data.splits import HELD_OUT

        splits = [settings_of(data).split(name) for name in HELD_OUT]
        return {participant_id(one.first_number + k) for one in splits for k in range(one.participants)}


def settings_of(data: RenderedData) -> "RecordingSettings":
    """The renderer's settings of a recipe's data section."""
    from xgaze.data.rendered import RecordingSettings

    return RecordingSettings(
        data.height,
        data.width,
        data.train_participants,
        data.validation_participants,
        data.test_participants,
        data.frames_per_participant,
        data.seed,
        data.train_frames_per_participant,
    )


def eye_format(path: Path, spec: "Spec") -> EyeFoldersData:
    """The folder format that `xgaze render` writes."""
    views = {one.name: f"{{frame}}_{one.name.removeprefix('eye')}.png" for one in spec.inputs}
    first, (width, height) = spec.inputs[0], spec.scene or (1, 1)
    assert isinstance(first.mean, float) and isinstance(first.std, float)  # of eye pictures they are
    return EyeFoldersData(
        source="eye-folders",
        path=path,
        views=views,
        scene=Scene(width=width, height=height),
        height=first.picture[1],
        width=first.picture[2],
        mean=first.mean,
        std=first.std,
    )


SOURCE = Rendered()
