"""What reading a sound recording left out or assumed, and whom its splits keep apart: no fault, but to be known."""

from xgaze.data.contract import Recording
from xgaze.recorded_targets import LABEL_COLUMN


def rare_classes(recording: Recording) -> list[str]:
    """Classes with a single participant (or what else is kept apart) among those who validate or test."""
    spec, table = recording.spec, recording.table
    if spec.kind != "class":
        return []
    told = []
    for split in ("validation", "test"):
        own = table[table["split"] == split]
        for label, name in enumerate(spec.classes):
            if own.loc[own[LABEL_COLUMN] == label, "group"].nunique() != 1:
                continue
            told.append(
                f"{split} holds one of the {spec.groups} of class {name}: scores of classes have no interval "
                "there. With two of each class they have."
            )
    return told


def apart(groups: str) -> str:
    """Whom the splits keep apart, where it is not people."""
    return f"Splits and intervals are over {groups}, not over people."
