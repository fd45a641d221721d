"""What reading a sound recording left out or assumed, and whom its splits keep apart: no fault, but to be known."""

from xgaze.data.contract import LABEL_COLUMN, Recording
from xgaze.data.fixations.fixation_recording import groups_of
from xgaze.data.fixations.fixation_scan import scan_fixations
from xgaze.data.photographs.agreement_labels import BETWEEN
from xgaze.data.photographs.agreement_recording import agreement_rows
from xgaze.recipe import Data, FixationTableData, ViewerAgreementData


def remarks(data: Data) -> list[str]:
    """Of a recording that is only described. Reads fixation tables, decodes no picture."""
    if isinstance(data, ViewerAgreementData):
        return [*agreement_notes(data), apart("pictures")]
    if isinstance(data, FixationTableData):
        groups = groups_of(data)
        return [*scan_fixations(data).notes, *([] if groups == "participants" else [apart(groups)])]
    return []


def notes_of(recording: Recording) -> list[str]:
    """Of an opened recording: what went missing on the way to it."""
    settings = getattr(recording, "settings", None)
    if isinstance(settings, ViewerAgreementData):
        return agreement_notes(settings)
    return list(getattr(recording, "notes", ()))


def agreement_notes(data: ViewerAgreementData) -> list[str]:
    """What reading the fixations left out, who labels, and how many pictures are in neither class."""
    found = agreement_rows(data)
    between = int((found.rows["label"] == BETWEEN).sum())
    told = (
        f"{between:,} of {len(found.rows):,} pictures are neither among those of most nor of least agreement: left out."
    )
    labelling = (
        f"Agreement is that of {len(found.viewers)} viewers ({', '.join(found.viewers)}); maps are of the others."
    )
    return [*found.notes, *([told] if between else []), labelling]


def rare_classes(recording: Recording) -> list[str]:
    """Classes with a single participant (or what else is kept apart) among those who validate or test."""
    spec, table = recording.spec, recording.table
    if spec.kind != "class":
        return []
    told = []
    for split in ("validation", "test"):
        own = table[table["split"] == split]
        for label, name in enumerate(spec.classes):
            if own.loc[own[LABEL_COLUMN] == label, "participant"].nunique() != 1:
                continue
            told.append(
                f"{split} holds one of the {spec.groups} of class {name}: scores of classes have no interval "
                "there. With two of each class they have."
            )
    return told


def apart(groups: str) -> str:
    """Whom the splits keep apart, where it is not people."""
    return f"Splits and intervals are over {groups}, not over people."
