"""Photographs with classes, and beside each a map of where people looked on it."""

from pathlib import Path
from typing import TYPE_CHECKING

from xgaze.data.photographs.photograph_sections import AttentionPicturesData
from xgaze.data.source import Source

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class AttentionPictures(Source[AttentionPicturesData]):
    """In any of their layouts."""

    section = AttentionPicturesData

    def open(self, data: AttentionPicturesData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.photographs.attention_recording import open_attention_pictures

        return open_attention_pictures(data)

    def check(self, data: AttentionPicturesData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.checks.photograph_faults import check_photographs
        from xgaze.data.fault_kinds import Checked
        from xgaze.data.photographs.attention_recording import open_attention_pictures, scanned

        if faults := scanned(data)[2]:
            return Checked(tuple(faults))
        return check_photographs(lambda: open_attention_pictures(data), advance)

    def files_for_prediction(self, path: Path, data: AttentionPicturesData, spec: "Spec") -> "Recording":
        from xgaze.data.photographs.photograph_folder import open_photographs_for_prediction

        return open_photographs_for_prediction(path, data, spec)


SOURCE = AttentionPictures()
