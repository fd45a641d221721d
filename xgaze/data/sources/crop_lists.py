"""The lists of crops and photographs that Mr-CNN's authors store."""

from pathlib import Path
from typing import TYPE_CHECKING

from xgaze.data.crops.crop_sections import NO_FILES, CropListsData
from xgaze.data.source import Source
from xgaze.errors import InputError

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class CropLists(Source[CropListsData]):
    """Read as tensors alone."""

    section = CropListsData

    def open(self, data: CropListsData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.crops.crop_list_files import open_crop_lists

        return open_crop_lists(data)

    def check(self, data: CropListsData, advance: "Advance | None" = None) -> "Checked":  # noqa: ARG002
        from xgaze.data.checks.crop_faults import check_crop_lists

        return check_crop_lists(data)

    def files_for_prediction(self, path: Path, data: CropListsData, spec: "Spec") -> "Recording":  # noqa: ARG002
        raise InputError(f"{path}: {NO_FILES}")


SOURCE = CropLists()
