"""Faults that show in a recording's table: who is in which split, which classes are where, where gaze points lie."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.checks.unit_faults import unit_faults
from xgaze.data.contract import SPLITS, Spec
from xgaze.data.fault_kinds import Fault
from xgaze.data.splits import shared_participants, too_few


def split_faults(table: pd.DataFrame, groups: str = "participants") -> list[Fault]:
    """Participants in two splits, and splits that are empty or hold too few. groups: what `group` holds."""
    faults = [
        Fault("participant in two splits", f"participant {participant} is in {' and '.join(splits)}.")
        for participant, splits in shared_participants(table).items()
    ]
    empty = [split for split in SPLITS if not (table["split"] == split).any()]
    faults += [Fault("empty split", f"{split}: no participant.") for split in empty]
    return faults + [Fault("too few", told) for told in too_few(table, groups)]


def class_faults(table: pd.DataFrame, names: pd.Series, groups: str = "participant(s)") -> list[Fault]:
    """Classes that a split has no sample of. names: class name of each row; groups: what `group` holds."""
    faults = []
    for name in sorted(set(names)):
        own = table[names == name]
        people = own["group"].nunique()
        for split in SPLITS:
            if not (own["split"] == split).any():
                message = (
                    f"class {name}: no {groups.removesuffix('(s)')} in {split}; {people} {groups} of this class in all."
                )
                faults.append(Fault("class missing from a split", message))
    return faults


def gaze_faults(table: pd.DataFrame, spec: Spec) -> list[Fault]:
    """Gaze points that are unknown or lie outside the scene; row i belongs to sample `id`."""
    gaze, unknown, faults = _unknown(table, spec, "gaze")
    faults += unit_faults(gaze, spec)
    if spec.scene is None:
        return faults
    outside = ((gaze < 0) | (gaze > np.array(spec.scene))).any(axis=1) & ~unknown
    size = f"{spec.scene[0]}x{spec.scene[1]}"
    for name, (x, y) in zip(table["id"][outside], gaze[outside], strict=True):
        message = f"{name}: gaze ({x:g}, {y:g}) {spec.unit} lies outside the scene {size}; {outside.sum()} of {len(gaze)} rows."
        faults.append(Fault("label outside the scene", message))
    return faults


def direction_faults(table: pd.DataFrame, spec: Spec) -> list[Fault]:
    """Directions that are unknown, or cannot be: a vector of no length, a pitch beyond straight up."""
    points, _, faults = _unknown(table, spec, "direction")
    faults += unit_faults(points, spec)
    if spec.unit == "vector":
        told = [f"{name}: the direction is a vector of length 0." for name in table["id"][(points == 0).all(axis=1)]]
        return faults + [Fault("label outside the scene", one) for one in told]
    beyond = np.abs(points[:, 0]) > (np.pi / 2 if spec.unit == "rad" else 90) + 1e-6
    for name, pitch in zip(table["id"][beyond], points[beyond, 0], strict=True):
        message = (
            f"{name}: pitch {pitch:g} {spec.unit} is beyond straight up or down; {beyond.sum()} of {len(points)} rows."
        )
        faults.append(Fault("label outside the scene", message))
    return faults


def _unknown(table: pd.DataFrame, spec: Spec, what: str) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[Fault]]:
    """The targets, which of them are unknown, and a fault for each of these."""
    targets = table[spec.own_columns].to_numpy(np.float64)
    unknown = ~np.isfinite(targets).all(axis=1)
    return targets, unknown, [Fault("missing label", f"{name}: {what} is not known.") for name in table["id"][unknown]]
