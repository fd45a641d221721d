"""The one error users see: everything known about the fault, and what to do about it."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(Exception):
    """Bad input from outside (file, recipe, option). The command line prints its message and exits with code 2."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A "did you mean" phrase naming the known word closest to `word`, or the list of known words."""
    known = sorted(known)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}."
