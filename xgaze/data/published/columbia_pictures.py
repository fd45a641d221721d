"""Columbia Gaze: whole pictures whose names say person, head pose and direction of gaze in degrees."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from xgaze.data.contract import Recording, Spec
from xgaze.data.published.listed_recording import Listed, asked_of, listed_recording, picture_spec, vector_spec
from xgaze.data.published.published_sections import ColumbiaData
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

NAME = re.compile(r"(\d+)_(\d+)m_(-?\d+)P_(-?\d+)V_(-?\d+)H\.jpe?g", re.IGNORECASE)
SIGNS = "signs are as the file names have them: what V and H above zero mean, the data set does not say"


def spec_of_columbia(data: ColumbiaData) -> Spec:
    known = (picture_spec("face", 3, data.side, data.side, data.numbers), vector_spec("head", 1))
    return Spec(asked_of(known, data.inputs), "angle", "degrees")


def open_columbia(data: ColumbiaData, progress: Advance | None = None) -> Recording:  # noqa: ARG001
    """Raises InputError where no name is one of these."""
    found = [(file, NAME.fullmatch(file.name)) for file in sorted(data.path.rglob("*.[jJ][pP]*[gG]"))]
    named = [(file, [int(one) for one in match.groups()]) for file, match in found if match]
    if not named:
        raise InputError(f"{data.path}: holds no picture named like 0001_2m_-15P_-10V_5H.jpg.")
    numbers = np.array([own for _, own in named])
    people = [f"{one:04d}" for one in numbers[:, 0]]
    splits = assign_splits(people, None, data.split.validation, data.split.test, data.seed)
    table = pd.DataFrame({"id": [file.stem for file, _ in named], "group": people, "session": "0", "split": splits})
    table = table.assign(**dict(zip(gaze_columns("degrees"), numbers[:, 3:].T.astype(float), strict=True)))
    others = len(found) - len(named)
    told = (SIGNS, *((f"{others:,} pictures of other names are left out",) if others else ()))
    head = numbers[:, 2:3]
    return listed_recording(
        data.path,
        spec_of_columbia(data),
        Listed(
            table,
            {"face": [Path(file) for file, _ in named]},
            vectors={"head": head.astype(np.float32)},
            conditions={"head, degrees": head[:, 0].astype(float)},
            notes=told,
            in_time=False,
        ),
        data.colour,
    )
