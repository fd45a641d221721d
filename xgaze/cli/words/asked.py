"""What `xgaze explain` is asked on the command line."""

from dataclasses import dataclass
from typing import Any

import click

from xgaze.compression.distill import STUDENT
from xgaze.explanation.test_set.selection import WORDS


@dataclass(frozen=True)
class Asked:
    """What was asked on the command line: named samples, how many more spread over people, frames to measure over, and what the
    methods beside integrated gradients answer."""

    samples: tuple[str, ...]
    count: int | None
    over: str | int | None
    target: str | None


class Over(click.ParamType[str | int]):
    """`all`, or a number of frames that gives an interval; 0 leaves the measurement out."""

    name = "frames"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | int:
        text = str(value).strip()
        if text == "all":
            return text
        if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) == 1:
            self.fail(f"'{text[:60]}' is neither all, nor 0 (none), nor a number from 2 on.", param, ctx)
        return int(text)


def asked_of(
    samples: tuple[str, ...], count: int | None, over: str | int | None, target: str | None, roles: dict[str, str]
) -> Asked:
    """Without samples asked for: the worst and the best, and where there is a student the one on which models disagree most."""
    by_itself = (WORDS if STUDENT in roles else WORDS[:2]) if count is None else ()
    return Asked(samples or by_itself, count, over, target)
