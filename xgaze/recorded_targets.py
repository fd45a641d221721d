"""What models are to tell: the columns that hold targets, further ones beside the main one, and the scales of their losses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from xgaze.errors import InputError
from xgaze.units import fits

GAZE_COLUMNS = ["gaze_x_px", "gaze_y_px"]
"""Of gaze in px; `gaze_columns` names those of other units."""
LABEL_COLUMN = "label"
RECORDED: Literal["recorded"] = "recorded"
BY_TEACHER: Literal["teacher"] = "teacher"
"""What the targets of a recording are, see `Spec.truth`."""
VALUE_COLUMN = "value"
DISTANCE_COLUMN = "viewing_distance_mm"
"""From how far the screen was looked at, where that is known of each sample."""


@dataclass(frozen=True)
class Beside:
    """A target beside the main one: a point ("gaze", whatever it is of), a direction or a value, as `Spec` says these.

    middle, spread: the mean of the training people's, and how far they are from it (root of the mean square). Losses count in
    the spread, and fresh networks begin with the middle.
    """

    name: str
    kind: Literal["gaze", "angle", "value"]
    unit: str
    middle: tuple[float, ...] = ()
    spread: float = 1.0

    @property
    def columns(self) -> list[str]:
        """Of a recording's table."""
        return [self.name] if self.kind == "value" else [f"{self.name}{end}" for end in _ends(self.unit)]


class Targets(Protocol):
    """What is asked here of a specification, see `xgaze.data.contract.Spec`."""

    @property
    def kind(self) -> str: ...

    @property
    def truth(self) -> str: ...

    @property
    def beside(self) -> Sequence[Beside]: ...

    @property
    def targets(self) -> list[str]: ...


def gaze_columns(unit: str) -> list[str]:
    """Of a recording's table: x and y of gaze in this unit; of directions pitch and yaw, or x, y and z."""
    return [f"gaze{end}" for end in _ends(unit)]


def _ends(unit: str) -> list[str]:
    if unit == "vector":
        return [f"_{axis}" for axis in "xyz"]
    return [f"_{axis}_{unit}" for axis in (("pitch", "yaw") if unit in ("rad", "degrees") else "xy")]


_OF_TABLES = ("id", "group", "session", "split", "gaze", "truth", "prediction", "error")
RESERVED = frozenset((*_OF_TABLES, LABEL_COLUMN, VALUE_COLUMN, DISTANCE_COLUMN))


def require_beside(spec: Targets, where: str) -> None:
    """Raises InputError for targets that cannot stand beside one another: classes, one that a teacher tells, names twice."""
    names = [one.name for one in spec.beside]
    if names and spec.kind == "class":
        raise InputError(f"{where}: beside classes there is no other target ({', '.join(names)}); train two models.")
    if names and spec.truth == BY_TEACHER:
        raise InputError(f"{where}: where the teacher tells what is true (truth: teacher), there is one target alone.")
    for one in spec.beside:
        if not one.name.isidentifier() or one.name in RESERVED or names.count(one.name) > 1:
            raise InputError(
                f"{where}: '{one.name}' cannot be a target's name; give each a word of its own, such as pupil."
            )
        if not fits(one.kind, one.unit) or not one.spread > 0 or len(one.middle) not in (0, len(one.columns)):
            raise InputError(f"{where}: '{one.name}' has a unit or a spread that cannot be.")
    if len(set(spec.targets)) < len(spec.targets):
        raise InputError(f"{where}: two targets have columns of one name ({', '.join(spec.targets)}).")


def spreads_of(
    beside: Sequence[Beside], own_columns: list[str], train: pd.DataFrame
) -> tuple[tuple[Beside, ...], float]:
    """Targets with their middles and spreads, and the main one's spread, whose columns are `own_columns`; train: the rows of
    training people."""

    def of(columns: list[str]) -> tuple[tuple[float, ...], float]:
        values = train[columns].to_numpy(np.float64)
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            return (0.0,) * len(columns), 1.0
        middle = values.mean(axis=0)
        spread = float(np.sqrt(np.square(values - middle).sum(axis=1).mean()))
        return tuple(map(float, middle)), spread or 1.0

    found = [of(one.columns) for one in beside]
    told = (replace(one, middle=middle, spread=spread) for one, (middle, spread) in zip(beside, found, strict=True))
    return tuple(told), of(own_columns)[1]
