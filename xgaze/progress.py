"""Progress of long work on standard error: a bar in a terminal, silence elsewhere."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from xgaze.processes import is_helper

Advance = Callable[[int, int], None]
Item = TypeVar("Item")


@contextmanager
def progress_bar(what: str) -> Iterator[Advance]:
    """Yields `advance(done, total)`; the bar vanishes when the block ends."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=is_helper() or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


def tracked(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items, each counted on a bar once it is done with. Meanwhile nobody else can show one."""
    with progress_bar(what) as advance:
        for done, item in enumerate(items, start=1):
            yield item
            advance(done, len(items))


def remark(line: str) -> None:
    """A line on standard error, from the one process that speaks."""
    if not is_helper():
        sys.stderr.write(f"{line}\n")
