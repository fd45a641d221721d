"""Photographs whose label is whether viewers agree on where to look."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.data.photographs.photograph_sections import ViewerAgreementData
from xgaze.data.source import Source

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class ViewerAgreement(Source[ViewerAgreementData]):
    """Splits and intervals are over pictures."""

    section = ViewerAgreementData

    def open(self, data: ViewerAgreementData, progress: "Advance | None" = None) -> "Recording":  # noqa: ARG002
        from xgaze.data.photographs.agreement_recording import open_viewer_agreement

        return open_viewer_agreement(data)

    def check(self, data: ViewerAgreementData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.checks.photograph_faults import check_photographs
        from xgaze.data.photographs.agreement_recording import open_viewer_agreement

        return check_photographs(lambda: open_viewer_agreement(data), advance)

    def remarks(self, data: ViewerAgreementData) -> list[str]:
        from xgaze.data.notes import apart
        from xgaze.data.photographs.agreement_recording import agreement_notes, agreement_rows

        return [*agreement_notes(agreement_rows(data)), apart("pictures")]

    def caveats(self, stored: Mapping[str, Any]) -> list[str]:
        share = stored["share"]
        told = [
            f"The label is made from gaze: the {100 * share:.0f} % of pictures on which {stored['labelling_viewers']} viewers "
            f"agree most against the {100 * share:.0f} % on which they agree least. Pictures in between were left out: "
            "the figures hold for clear cases alone.",
        ]
        if stored["attention"] == "input":
            told.append(
                "At test the model is given the map of what the other viewers looked at. That map itself betrays agreement: one "
                "spot where viewers agree, many where they differ. So this is an upper bound, not a fair rival of models that "
                "see the photograph alone."
            )
        elif stored["attention"] == "training":
            told.append("Maps of the other viewers may guide training; at test the models see the photograph alone.")
        return told

    def files_for_prediction(self, path: Path, data: ViewerAgreementData, spec: "Spec") -> "Recording":
        from xgaze.data.photographs.photograph_folder import open_photographs_for_prediction

        return open_photographs_for_prediction(path, data, spec)


SOURCE = ViewerAgreement()
