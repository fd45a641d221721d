"""The one door to code of the user's: what it prints goes to standard error, and whatever it raises becomes one message."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from xgaze.errors import InputError

_LIBRARIES = (f"{os.sep}torch{os.sep}", f"{os.sep}xgaze{os.sep}", "importlib", "<frozen")


@contextmanager
def user_code(what: str) -> Iterator[None]:
    """Runs the user's code. Raises InputError(f"{what}: ...") for whatever it raises, sys.exit and the like among it; Ctrl-C
    alone passes. Standard output is that of results, so prints go to standard error; filters of warnings, the working
    directory, whether gradients are kept, and the type of new tensors are those of before afterwards.
    """
    grad, dtype, place = torch.is_grad_enabled(), torch.get_default_dtype(), Path.cwd()
    with redirect_stdout(sys.stderr), warnings.catch_warnings(), _interrupts() as interrupted:
        try:
            yield
        except InputError:
            raise
        except BaseException as error:  # the user's code may raise anything, SystemExit and KeyboardInterrupt too
            if interrupted:
                raise
            raise InputError(f"{what}: {fault(error)}") from None
        finally:
            torch.set_grad_enabled(grad)
            torch.set_default_dtype(dtype)
            os.chdir(place)


def fault(error: BaseException) -> str:
    """An exception of the user's code in one line: type, first line of its words, and the user's line it comes from."""
    words = (str(error).splitlines() or [""])[0]
    if isinstance(error, SystemExit):
        return f"it ends the program, sys.exit({words}){place_of(error)}"
    return f"{type(error).__name__}{f': {words}' if words else ''}{place_of(error)}"


def place_of(error: BaseException) -> str:
    """ " (mynet.py, line 12)", the innermost line of a file that is no library's; empty where there is none."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not any(part in file for part in _LIBRARIES):
            found = f" ({Path(file).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


@contextmanager
def _interrupts() -> Iterator[list[bool]]:
    """A list that is not empty once the person at the keyboard pressed Ctrl-C: the user's code may raise the same by itself."""
    pressed: list[bool] = []
    before: Any = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def told(number: int, frame: FrameType | None) -> None:
        pressed.append(True)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, told)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
