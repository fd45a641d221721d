"""Conditions as they are typed: `worse.high <= 2`, `student.bytes <= 400kB`, `p95 < 60 px`. Read by hand, never evaluated."""

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from xgaze.errors import InputError, nearest
from xgaze.report.check_kinds import CHECKS, Check, Report
from xgaze.report.drawing.format import OF_SPREAD

DEFAULTS = "defaults"
"""Typed in place of a condition: all conditions that every run is held against."""
WRITTEN = re.compile(r"\s*([A-Za-z][\w.-]*)\s*(<=|>=|==|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*")
SCALES: dict[str, dict[str, float]] = {
    "bytes": {"bytes": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3},
    "ms": {"ms": 1, "us": 1e-3, "s": 1e3},
    "": {"k": 1e3, "M": 1e6},
    "x": {"x": 1, "\u00d7": 1},
    OF_SPREAD: {"%": 1},
}
"""Unit of a figure -> units that may be written, with their size. Any other unit may be written as it is only."""
HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
LONGEST = 200
EXAMPLE = 'write a name, a comparison and a number, such as "worse.high <= 2" or "student.bytes <= 400kB"'


@dataclass(frozen=True)
class Condition:
    """asked: typed by somebody, and not one that every run is held against. by_name: and by its name, not as one of all defaults,
    of which those count that apply to the run."""

    check: Check
    comparison: str
    number: float
    unit: str = ""
    asked: bool = True
    by_name: bool = True

    @property
    def text(self) -> str:
        """As it is shown."""
        return f"{self.check.name} {self.comparison} {self.number:.15g} {self.unit}".rstrip()

    def limit(self, report: Report) -> float:
        """The number in the unit of the run's figure. Raises InputError for a unit that is not one of its."""
        own = self.check.unit_of(report)
        scales = SCALES.get(own, {own: 1.0})
        if self.unit not in ("", *scales):
            known = ", ".join(one for one in scales if one) or "no unit"
            raise InputError(
                f"--assert '{self.text}': {self.check.name} is not measured in '{self.unit}'; write {known}."
            )
        return self.number * scales.get(self.unit, 1.0)

    def holds(self, measured: float, report: Report) -> bool:
        return HOLDS[self.comparison](measured, self.limit(report))


def parsed(text: str, asked: bool = True) -> Condition:
    """A condition. Raises InputError for what is none, and for a name that is not known, with the nearest."""
    found = WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise InputError(f"--assert '{text[:LONGEST]}': no condition; {EXAMPLE}.")
    name, comparison, number, unit = found.groups()
    if name not in CHECKS:
        raise InputError(
            f"--assert '{text}': there is no '{name}'; {nearest(name, CHECKS)} All: `xgaze report --checks`."
        )
    if not math.isfinite(float(number)):
        raise InputError(f"--assert '{text}': {number} is too large a number.")
    return Condition(CHECKS[name], comparison, float(number), unit, asked)


def conditions(typed: Iterable[str]) -> list[Condition]:
    """Those typed, in order, each once; DEFAULTS stands for all defaults that apply. Raises InputError."""
    found: list[Condition] = []
    for text in typed:
        if text.strip() == DEFAULTS:
            found += [replace(parsed(one), by_name=False) for one in defaults()]
        else:
            found.append(parsed(text))
    named = {one.text for one in found if one.by_name}
    return list({one.text: one for one in found if one.by_name or one.text not in named}.values())


def defaults() -> list[str]:
    """Every condition that ships with a check, as it would be typed."""
    return [f"{one.name} {one.default}" for one in CHECKS.values() if one.default]
