"""Functions over arrays, compiled by numba (read in 0.68) when they are first called."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compiled without the interpreter's lock and strict order of sums; kept for the next process where numba finds a folder
    that it may write."""
    options: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    numba = _numba()
    try:
        found: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder may be written
        found = numba.njit(**options)(function)
    return found


def _numba() -> Any:
    """On import numba takes any coverage.py on the path for the package of that name, even one in a user's own folder."""
    known = "coverage" in sys.modules
    if not known:
        sys.modules["coverage"] = None  # type: ignore[assignment]  # Python's own way to say: not to be imported
    try:
        import numba
    finally:
        if not known:
            del sys.modules["coverage"]
    return numba
