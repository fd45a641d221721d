"""Names compared as people compare them: who is one person in two spellings?"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from xgaze.data.fault_kinds import Fault, listed


def spelling(name: str) -> str:
    """What is left of a name without case, blanks and marks that nobody sees, its letters composed in one way."""
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(one for one in composed if not one.isspace() and unicodedata.category(one) not in ("Cf", "Cc"))


def number(name: str) -> str:
    """A name without the zeros that do not change its numbers: "P01" is P1, "1.0" is 1."""
    return re.sub(r"(?<![\d.])0+(?=\d)", "", re.sub(r"(?<=\d)\.0+$", "", spelling(name)))


def alike(names: Iterable[str], by: Callable[[str], str] = spelling) -> list[list[str]]:
    """Different names that are the same by `by`, in the order of their first."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(by(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def doubts(names: Iterable[str], what: str) -> tuple[Fault, ...]:
    """A fault for names, of `what` ("participants"), that differ in case, blanks or the composition of letters alone."""
    return tuple(
        Fault(
            "names alike", f"{what} {' and '.join(map(_quoted, group))} differ only in case, blanks or accents' codes."
        )
        for group in alike(names)
    )


def zeros_told(names: Sequence[str], what: str) -> list[str]:
    """A remark on names that differ in zeros alone and are taken for different ones."""
    groups = alike(dict.fromkeys(names), number)
    if not groups:
        return []
    shown = listed([" and ".join(group) for group in groups])
    return [f"{what} whose names differ in zeros alone are taken for different ones: {shown}."]


def _quoted(name: str) -> str:
    """With the codes of what looks alike."""
    return f"'{name}'" if name.isascii() else f"'{name}' ({ascii(name)[1:-1]})"
