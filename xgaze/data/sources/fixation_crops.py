"""Photographs with fixations: places that people looked at, and places they did not, as samples."""

from pathlib import Path
from typing import TYPE_CHECKING

from xgaze.data.crops.crop_sections import NO_FILES, FixationCropsData
from xgaze.data.source import Source
from xgaze.errors import InputError

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class FixationCrops(Source[FixationCropsData]):
    """Splits and intervals are over photographs."""

    section = FixationCropsData

    def open(self, data: FixationCropsData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.crops.fixation_crop_recording import open_fixation_crops

        return open_fixation_crops(data)

    def check(self, data: FixationCropsData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.checks.crop_faults import check_fixation_crops

        return check_fixation_crops(data, advance)

    def files_for_prediction(self, path: Path, data: FixationCropsData, spec: "Spec") -> "Recording":  # noqa: ARG002
        raise InputError(f"{path}: {NO_FILES}")


SOURCE = FixationCrops()
