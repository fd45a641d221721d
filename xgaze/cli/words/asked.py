"""Options of `xgaze explain` that are more than a word or a number."""

from typing import Any

import click


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
