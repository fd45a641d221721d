"""Eye-camera frames in folders."""

from pathlib import Path
from typing import TYPE_CHECKING

from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.source import Source
from xgaze.errors import InputError
from xgaze.recipe.data_sections import DataSection

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class EyeFolders(Source[EyeFoldersData]):
    """Labels may be missing where a model predicts; a single session can be read alone."""

    section = EyeFoldersData

    def open(self, data: EyeFoldersData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.eyes.eye_recording import open_eye_folders

        return open_eye_folders(data)

    def spec(self, data: EyeFoldersData) -> "Spec":
        from xgaze.data.eyes.eye_recording import spec_of

        return spec_of(data)

    def check(self, data: EyeFoldersData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.checks.eye_faults import check_eyes

        return check_eyes(data, advance)

    def for_prediction(self, data: EyeFoldersData, spec: "Spec", trained_on: DataSection) -> "Recording":  # noqa: ARG002
        from xgaze.data.eyes.eye_recording import recording_of
        from xgaze.data.eyes.eye_scan import scan

        return recording_of(scan(data, for_prediction=True), data, data.path)

    def files_for_prediction(self, path: Path, data: EyeFoldersData, spec: "Spec") -> "Recording":  # noqa: ARG002
        from xgaze.data.eyes.eye_recording import recording_of
        from xgaze.data.eyes.eye_scan import is_session, scan, scan_session

        if not path.is_dir():
            raise InputError(f"{path}: expected a folder of eye pictures, or a definition (YAML).")
        data = data.model_copy(update={"path": path})
        found = scan_session(data, path) if is_session(data, path) else scan(data, for_prediction=True)
        return recording_of(found, data, path)


SOURCE = EyeFolders()
