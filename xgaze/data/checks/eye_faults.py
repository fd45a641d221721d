"""Faults of eye-camera frames in folders, those that show only in decoded pixels included."""

import numpy as np
import pandas as pd

from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.mixed_units import mixed_units
from xgaze.data.checks.pixel_faults import faults_of, look_at_frames, remarks_of
from xgaze.data.checks.unit_faults import unit_faults
from xgaze.data.eyes.eye_recording import spec_of
from xgaze.data.eyes.eye_scan import scan
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.splits import too_few
from xgaze.progress import Advance
from xgaze.recorded_targets import BY_TEACHER


def check_eyes(data: EyeFoldersData, advance: Advance | None) -> Checked:
    """A recording without labels is for prediction, and needs no splits, unless a teacher labels it."""
    found = scan(data)
    people = [(session.participant, session.split) for session in found.sessions if session.frames]
    divided = data.labels is not None or data.truth == BY_TEACHER
    few = too_few(pd.DataFrame(people, columns=["group", "split"], dtype=object)) if divided else []
    looked = look_at_frames(found.sessions, data, advance)
    labels = np.array([frame.gaze for session in found.sessions for frame in session.frames]).reshape(-1, 2)
    owners = np.array([person for person, _ in people], dtype=str).repeat(
        [len(session.frames) for session in found.sessions if session.frames]
    )
    units = (*unit_faults(labels, spec_of(data)), *mixed_units(labels, owners, spec_of(data)))
    own = (*(Fault("too few", told) for told in few), *units)
    faults = (*found.faults, *own, *faults_of(looked), *copy_faults(looked))
    return Checked(faults, (*found.notes, *remarks_of(looked), *copies_told(looked)))
