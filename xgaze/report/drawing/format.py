"""Numbers as people read them. Pure functions."""

from collections.abc import Callable
from typing import Any

from xgaze.units import DIGITS, digits_of

MEASURED = tuple(DIGITS)
MOST_DIGITS = 15
NOT_DEFINED = "not defined"
POINTS, OF_SPREAD = "points", "% of the spread"
MINUS, DASH = "\u2212", "\u2013"
RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
NOT_TINY = 0.1


def number(value: float, digits: int = 1) -> str:
    """1234.56 -> "1,234.6", with a true minus sign; zero has none."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", MINUS)


def count(value: int) -> str:
    """1137186 -> "1,137,186"."""
    return f"{value:,}"


def times(value: float) -> str:
    """21.23 -> "21x"; small ratios keep a decimal."""
    return f"{value:.0f}\u00d7" if value >= 10 else f"{value:.1f}\u00d7"


def changed(ratio: float, less: str, much: str, same: str = "", style: Callable[[float], str] = times) -> str:
    """How much less there is, `ratio` times, as people say it both ways: "21× fewer", "1.3 times as many", or `same` (`much`
    unless given). less, much: such as "fewer", "as many"."""
    if style(ratio) == style(1.0) or style(1 / ratio) == style(1.0):
        return same or much
    return f"{style(ratio)} {less}" if ratio > 1 else f"{style(1 / ratio).rstrip('x×')} times {much}"


def compared(ratio: float, less: str, much: str, whom: str, style: Callable[[float], str] = times) -> str:
    """As `changed`, with whom it is compared: "21× fewer than the teacher", "1.3 times as many as the teacher"."""
    told = changed(ratio, less, much, style=style)
    return f"{told} {'than' if told.endswith(less) else 'as'} {whom}"


def lasting(ratio: float) -> str:
    """Of a time that is `ratio` times shorter: "2.0 times as fast", "1.3 times as long", "as long"."""
    told = changed(ratio, "as fast", "as long")
    return told.replace("×", " times")


def size(value: int) -> str:
    """Bytes as kB or MB (powers of ten)."""
    return f"{value / 1e6:.2f} MB" if value >= 1e6 else f"{value / 1e3:.0f} kB"


def percent(value: float, unit: str = "%") -> str:
    """A signed percentage, "+0.4 %", or difference of two: "+0.4 points"."""
    return f"{round(value, 1) + 0.0:+.1f} {unit}".replace("-", MINUS)


def score(value: float, unit: str) -> str:
    """A score with its unit: "31.2 px", "AUC 0.771"."""
    return f"{number(value, digits_of(unit))} {unit}" if unit in MEASURED else f"{unit} {value:.3f}"


def interval(error: dict[str, Any]) -> str:
    """The 95 % interval of a score: "29.0 to 33.4"."""
    return span(error, digits_of(error["unit"]))


def span(figure: dict[str, Any], digits: int = 1) -> str:
    """The ends of an interval: "29.0 to 33.4", or that there are none."""
    if figure["low"] is None or figure["high"] is None:
        return NOT_DEFINED
    return f"{number(figure['low'], digits)} to {number(figure['high'], digits)}"


def percent_interval(difference: dict[str, Any], unit: str = "%") -> str:
    """ "-0.9 % to +1.7 %", or "-0.9 to +1.7 points", or that there is none."""
    if difference["low"] is None or difference["high"] is None:
        return NOT_DEFINED
    low, high = percent(difference["low"], unit), percent(difference["high"], unit)
    return f"{low} to {high}" if unit == "%" else f"{low.removesuffix(unit).strip()} to {high}"


def worse_unit(report: dict[str, Any]) -> str:
    """In what a report says how much worse its student is: "%" of the reference's error, or for classes "points" of the score.
    Reports of older versions say percent throughout."""
    return str(report.get("worse_unit") or "%")


def no_evidence(figure: dict[str, Any]) -> str:
    """Why an interval that does not exclude zero says nothing."""
    return "There is no interval" if figure["low"] is None else "The interval holds zero"


def excludes_zero(figure: dict[str, Any]) -> bool:
    """Whether an interval is evidence of a difference; one that is not defined is none."""
    if figure["low"] is None or figure["high"] is None:
        return False
    return bool(figure["low"] > 0 or figure["high"] < 0)


def tiny(value: float) -> str:
    """1.1e-07 -> "1.1 × 10⁻⁷", zero as "0"; what is not tiny as it is."""
    if abs(value) >= NOT_TINY:
        return number(value)
    mantissa, exponent = f"{value:.1e}".split("e")
    return "0" if value == 0 else f"{mantissa} \u00d7 10{str(int(exponent)).translate(RAISED)}"


def point(value: Any, unit: str = "px") -> str:
    """A gaze point as "(412, 301) px" or "(4.12, -3.01) cm", a class as its name."""
    if isinstance(value, str):
        return value
    digits = 0 if unit == "px" else digits_of(unit)
    return f"({', '.join(f'{one:.{digits}f}' for one in value)}) {unit}"


def spread(figure: Any, digits: int = 1) -> str:
    """An interval or a bare number: "12.3 (11.0 to 13.5)", "12.3 (not defined)"; what was not measured is a dash."""
    if figure is None:
        return DASH
    if not isinstance(figure, dict):
        return number(figure, digits)
    if figure["mean"] is None:
        return DASH
    return f"{number(figure['mean'], digits)} ({span(figure, digits)})"


def general(value: Any) -> str:
    """Any measure: whole numbers with commas, others to three significant digits, words as they are."""
    if value is None:
        return DASH
    if isinstance(value, bool | str):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", MINUS)
    return (f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}").replace("-", MINUS)


def told_apart(value: float, limit: float, digits: int = 1) -> tuple[str, str]:
    """Both numbers with as many digits, from `digits` on, as tell them apart: 0.152 and 0.15 are "0.152" and "0.150"."""
    while value != limit and digits < MOST_DIGITS and f"{value:.{digits}f}" == f"{limit:.{digits}f}":
        digits += 1
    return f"{value:,.{digits}f}", f"{limit:,.{digits}f}"
