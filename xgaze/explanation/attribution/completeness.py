"""Do the parts add up? What is left unexplained of the output's change, and more steps until that is little."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from xgaze.report.claims import MOST_UNEXPLAINED_PERCENT

# Below this change of the output (px or logits), a percentage of it says nothing.
SMALLEST_CHANGE = 1e-3
FEWEST_STEPS, FEWER_LEAVE_PERCENT = 8, 1.0
"""Fewer steps than asked for, where these may do, leave at most this much unexplained."""


class Summed(Protocol):
    """Parts that claim to sum to a change."""

    @property
    def completeness_percent(self) -> float: ...


Found = TypeVar("Found", bound=Summed)


def completeness_percent(attributed: float, explained: float) -> float:
    """|attributed - explained| as % of the output change."""
    return unexplained_percent([attributed], [explained])


def unexplained_percent(attributed: Sequence[float], explained: Sequence[float]) -> float:
    """What sums do not reach, as % of the outputs' changes, both summed over samples: one sample whose output hardly changes does
    not decide."""
    changes = np.asarray(explained, np.float64)
    missed = np.abs(np.asarray(attributed, np.float64) - changes).sum()
    return float(100 * missed / max(np.abs(changes).sum(), SMALLEST_CHANGE))


def objection(what: str, unexplained: float) -> str | None:
    """Why `what` ("its maps") may not be shown; None where it explains enough."""
    if unexplained <= MOST_UNEXPLAINED_PERCENT:
        return None
    shown = f"{unexplained:.0f}" if unexplained >= 10 else f"{unexplained:.1f}"
    return (
        f"{what} leave {shown} % of the prediction's change unexplained "
        f"(at most {MOST_UNEXPLAINED_PERCENT:.0f} % are allowed)."
    )


def with_enough_steps(
    ask: Callable[[int, int], Found], steps: int, batch_size: int, fewer: bool = False
) -> tuple[Found, int]:
    """ask(steps, batch_size) with ever more steps, up to eight times as many, until the parts add up, or until more are not worth
    the time; and the steps taken. fewer: begin with a quarter of them."""
    ladder = [taken for taken in (steps // 4, steps // 2) if fewer and taken >= FEWEST_STEPS]
    ladder += [times * steps for times in (1, 2, 4, 8)]
    for taken in ladder:
        found = ask(taken, batch_size)
        if found.completeness_percent <= (FEWER_LEAVE_PERCENT if taken < steps else MOST_UNEXPLAINED_PERCENT):
            break
    return found, taken
