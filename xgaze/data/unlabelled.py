"""Extra recordings without labels, for a teacher to label. Labels that do exist are hidden, so that none can leak."""

import pandas as pd

from xgaze.data.contract import Recording, Spec
from xgaze.data.open import open_for_prediction
from xgaze.data.pictures.picture_labels import UNKNOWN
from xgaze.data.source import source_of
from xgaze.data.splits import SHOWN
from xgaze.data.teacher_truth import Unlabelled, hidden_labels
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import Data

UNLABELLED = "unlabelled"


def open_unlabelled(data: Data, spec: Spec, progress: Advance | None = None) -> Recording | None:
    """What `data.unlabelled` describes, all in split "unlabelled" and with NaN gaze or label -1; None where it is left out.

    spec: of the labelled recording. Raises InputError as `open_for_prediction` does, and for validation or test participants.
    """
    if data.unlabelled is None:
        return None
    found = source_of(data).unlabelled(data, spec, progress)
    if found is None:
        found = open_for_prediction(data.unlabelled.path, spec, data)
    refuse_held_out(found, held_out_participants(data))
    return Unlabelled(found.spec, _without_labels(found.table, spec), found)


def refuse_held_out(unlabelled: Recording, held_out: set[str]) -> None:
    """Raise InputError naming the unlabelled participants who are held out, or if any is unknown: a student that was shown
    the people it is tested on says nothing about new ones."""
    people = set(unlabelled.table["group"])
    if UNKNOWN in people:
        raise InputError(
            "data.unlabelled: some pictures do not say whose they are, so that test participants could be among them. "
            "Put each person's pictures into a folder of their own, or name the participants in the CSV."
        )
    shared = sorted(people & held_out)
    if shared:
        more = f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
        raise InputError(
            f"data.unlabelled: {len(shared)} participant(s) are validation or test participants: "
            f"{', '.join(shared[:SHOWN])}{more}. Leave them out, or rename them if they are other people."
        )


def held_out_participants(data: Data) -> set[str]:
    """Validation and test participants of a data section."""
    return source_of(data).held_out(data)


def _without_labels(table: pd.DataFrame, spec: Spec) -> pd.DataFrame:
    return table[["id", "group", "session"]].assign(split=UNLABELLED, **hidden_labels(spec))
