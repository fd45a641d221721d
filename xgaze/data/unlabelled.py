"""Extra recordings without labels, for a teacher to label. Labels that do exist are hidden, so that none can leak."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import GAZE_COLUMNS, LABEL_COLUMN, VALUE_COLUMN, Recording, Sample, Spec
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.pictures.picture_labels import UNKNOWN
from xgaze.data.rendered import CAMERAS, RenderedSplit, default_cache_dir, open_unlabelled_people, participant_id
from xgaze.data.rendered.rendered_recording import settings_of
from xgaze.data.splits import SHOWN
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import Data, GazeImagesData, RenderedData

UNLABELLED = "unlabelled"
HELD_OUT = ("validation", "test")


def open_unlabelled(data: Data, spec: Spec, progress: Advance | None = None) -> Recording | None:
    """What `data.unlabelled` describes, all in split "unlabelled" and with NaN gaze or label -1; None where it is left out.

    spec: of the labelled recording. Raises InputError as `open_for_prediction` does, and for validation or test participants.
    """
    if data.unlabelled is None:
        return None
    if isinstance(data, RenderedData):
        count = data.unlabelled.participants
        frames = open_unlabelled_people(settings_of(data), count, default_cache_dir(), progress=progress)
        found: Recording = RenderedPeople(spec, _table_of(frames), frames)
    else:
        found = open_for_prediction(data.unlabelled.path, spec, data)
    refuse_held_out(found, held_out_participants(data))
    return Unlabelled(found.spec, _without_labels(found.table, spec), found)


def refuse_held_out(unlabelled: Recording, held_out: set[str]) -> None:
    """Raise InputError naming the unlabelled participants who are held out, or if any is unknown: a student that was shown
    the people it is tested on says nothing about new ones."""
    people = set(unlabelled.table["participant"])
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
    """Validation and test participants of a data section; rendered ones are known without rendering them."""
    if not isinstance(data, RenderedData):
        held = held_out_of(open_recording(data))
        per_class = isinstance(data, GazeImagesData) and data.participants == "per-class"
        # Where a picture's class is unknown, a person of the same name in any class may be meant.
        return held | {name.partition("/")[2] for name in held} if per_class else held
    splits = [settings_of(data).split(name) for name in HELD_OUT]
    return {participant_id(one.first_number + k) for one in splits for k in range(one.participants)}


def held_out_of(recording: Recording) -> set[str]:
    """Validation and test participants of a recording."""
    table = recording.table
    return set(table["participant"][table["split"].isin(HELD_OUT)])


@dataclass(frozen=True, eq=False)
class RenderedPeople:
    """Rendered frames of people outside the splits; row i is frame i."""

    spec: Spec
    table: pd.DataFrame
    frames: RenderedSplit

    def __getitem__(self, row: int) -> Sample:
        person, images = str(self.frames.participant[row]), self.frames.images[row]
        inputs = {camera: images[c : c + 1] for c, camera in enumerate(CAMERAS)}
        name = f"{person}/0/{self.frames.frame[row]}"
        return Sample(name, {"participant": person, "session": "0"}, inputs, self.frames.gaze_px[row])


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """A recording whose labels are hidden."""

    spec: Spec
    table: pd.DataFrame
    recording: Recording

    def __getitem__(self, row: int) -> Sample:
        return replace(self.recording[row], target=_no_target(self.spec))


def _no_target(spec: Spec) -> NDArray[Any]:
    return np.array(-1, np.int64) if spec.kind == "class" else np.full(spec.outputs, np.nan, np.float32)


def _without_labels(table: pd.DataFrame, spec: Spec) -> pd.DataFrame:
    columns = GAZE_COLUMNS if spec.kind == "gaze" else [VALUE_COLUMN]
    hidden = {LABEL_COLUMN: -1} if spec.kind == "class" else dict.fromkeys(columns, np.float32(np.nan))
    return table[["id", "participant", "session"]].assign(split=UNLABELLED, **hidden)


def _table_of(frames: RenderedSplit) -> pd.DataFrame:
    ids = [f"{person}/0/{frame}" for person, frame in zip(frames.participant, frames.frame, strict=True)]
    return pd.DataFrame({"id": ids, "participant": frames.participant, "session": "0"})
