"""A model's radii around one predicted frame, from validation people, with their coverage on test people, for its card."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Recording, participants_of, rows_of, targets_of
from xgaze.evaluation.intervals.conformal import frame_radii
from xgaze.evaluation.score import sample_errors
from xgaze.report.claims import FRAME_RADII as FRAME_RADII


def radii_of(recording: Recording, known: NDArray[Any], unseen: NDArray[Any]) -> dict[str, Any] | None:
    """known, unseen: outputs on all validation and all test samples, in the recording's order. {"unit", "validation", "test": how
    many people, "rows"}, see `frame_radii`; None for classes, which lie nowhere, and where nobody validates."""
    spec = recording.spec
    if spec.kind == "class" or not len(known):
        return None
    splits = {"validation": known, "test": unseen}
    rows = {split: rows_of(recording, split) for split in splits}
    people = {split: participants_of(recording, own) for split, own in rows.items()}
    errors = {
        split: sample_errors(spec, outputs, targets_of(recording, rows[split])) for split, outputs in splits.items()
    }
    found = frame_radii(errors["validation"], people["validation"], errors["test"], people["test"])
    return {"unit": spec.measured, **{split: len(np.unique(own)) for split, own in people.items()}, "rows": found}
