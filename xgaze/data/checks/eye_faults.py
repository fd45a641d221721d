"""Faults of eye-camera frames in folders, those that show only in decoded pixels included."""

import pandas as pd

from xgaze.data.checks.pixel_faults import faults_of, look_at_frames, remarks_of
from xgaze.data.contract import BY_TEACHER
from xgaze.data.eyes.eye_scan import scan
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.splits import too_few
from xgaze.progress import Advance


def check_eyes(data: EyeFoldersData, advance: Advance | None) -> Checked:
    """A recording without labels is for prediction, and needs no splits, unless a teacher labels it."""
    found = scan(data)
    people = [(session.participant, session.split) for session in found.sessions if session.frames]
    divided = data.labels is not None or data.truth == BY_TEACHER
    few = too_few(pd.DataFrame(people, columns=["group", "split"], dtype=object)) if divided else []
    looked = look_at_frames(found.sessions, data, advance)
    faults = (*found.faults, *(Fault("too few", told) for told in few), *faults_of(looked))
    return Checked(faults, (*found.notes, *remarks_of(looked)))
