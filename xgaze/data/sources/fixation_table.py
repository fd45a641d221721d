"""Fixation tables: one sample per scanpath."""

from pathlib import Path
from typing import TYPE_CHECKING

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.data.source import Source, same_data
from xgaze.recipe.data_sections import DataSection

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class FixationTables(Source[FixationTableData]):
    """Tables of others than a model was trained on are all new to it, target and people known or not."""

    section = FixationTableData
    samples = "scanpaths"

    def open(self, data: FixationTableData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.fixations.fixation_recording import open_fixations

        return open_fixations(data)

    def check(self, data: FixationTableData, advance: "Advance | None" = None) -> "Checked":  # noqa: ARG002
        from xgaze.data.checks.scanpath_faults import check_scanpaths

        return check_scanpaths(data)

    def remarks(self, data: FixationTableData) -> list[str]:
        from xgaze.data.fixations.fixation_recording import groups_of
        from xgaze.data.fixations.fixation_scan import scan_fixations
        from xgaze.data.notes import apart

        groups = groups_of(data)
        return [*scan_fixations(data).notes, *([] if groups == "participants" else [apart(groups)])]

    def for_prediction(self, data: FixationTableData, spec: "Spec", trained_on: DataSection) -> "Recording":
        return self.open(data) if same_data(data, trained_on) else self.files_for_prediction(data.path, data, spec)

    def files_for_prediction(self, path: Path, data: FixationTableData, spec: "Spec") -> "Recording":
        from xgaze.data.fixations.fixation_recording import open_fixations_for_prediction

        return open_fixations_for_prediction(data.model_copy(update={"path": path}), spec)

    def fixations(self, data: FixationTableData) -> tuple[Path, FixationFormat]:
        return data.path, data


SOURCE = FixationTables()
