"""Pictures of gaze (heatmaps, scanpaths) with participant and class."""

from pathlib import Path
from typing import TYPE_CHECKING

from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.source import Source, same_data
from xgaze.recipe.data_sections import DataSection

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class GazeImages(Source[GazeImagesData]):
    """Pictures of others than a model was trained on are all new to it, their class and participant known or not."""

    section = GazeImagesData

    def open(self, data: GazeImagesData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.pictures.picture_recording import open_gaze_images

        return open_gaze_images(data)

    def check(self, data: GazeImagesData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.checks.picture_faults import check_pictures

        return check_pictures(data, advance)

    def for_prediction(self, data: GazeImagesData, spec: "Spec", trained_on: DataSection) -> "Recording":
        if spec.kind != "class" or same_data(data, trained_on):
            return self.open(data)
        return self.files_for_prediction(data.path, data, spec)

    def files_for_prediction(self, path: Path, data: GazeImagesData, spec: "Spec") -> "Recording":
        from xgaze.data.pictures.picture_recording import open_pictures_for_prediction

        return open_pictures_for_prediction(path, data, spec.classes)

    def held_out(self, data: GazeImagesData) -> set[str]:
        held = super().held_out(data)
        # Where a picture's class is unknown, a person of the same name in any class may be meant.
        return held | {name.partition("/")[2] for name in held} if data.participants == "per-class" else held


SOURCE = GazeImages()
