"""Tables whose rows are of several kinds, as exports of events are: those of one kind are read, the others passed over."""

import re
from collections.abc import Mapping, Sequence

from xgaze.data.fault_kinds import listed
from xgaze.errors import InputError, nearest

TELLS_KIND = re.compile(r"\b(type|event|kind|category)\b", re.IGNORECASE)


class Kinds:
    """Which rows are wanted, and what the others say they are.

    wanted: column -> the word that must stand in it; none of them: every row.
    """

    def __init__(self, headings: Sequence[str], wanted: Mapping[str, str], name: str) -> None:
        """Raises InputError for a column that is not there."""
        for column in wanted:
            if column not in headings:
                raise InputError(f"{name}: rows: column '{column}' is missing; {nearest(column, headings)}")
        self.name = name
        self.wanted = {headings.index(column): word for column, word in wanted.items()}
        self.telling = next((k for k, one in enumerate(headings) if TELLS_KIND.search(one)), None)
        self.headings = headings
        self.read: set[str] = set()
        self.others: set[str] = set()
        self.count = 0

    def keeps(self, fields: Sequence[str]) -> bool:
        """Whether a row is wanted: only of these the width is asked for."""
        if all(self._word(fields, place) == word for place, word in self.wanted.items()):
            self.count += 1
            return True
        self.others.add(", ".join(self._word(fields, place) for place in self.wanted))
        return False

    def fitted(self, fields: Sequence[str]) -> None:
        """A row of the table's width was read."""
        if self.telling is not None:
            self.read.add(self._word(fields, self.telling))

    def remedy(self, fields: Sequence[str]) -> str:
        """What to do about a row of another width where it says that it is of a kind that no row before it was."""
        if self.telling is None or not self.read or (word := self._word(fields, self.telling)) in self.read:
            return ""
        column, kind = self.headings[self.telling], sorted(self.read)[0]
        return f" Its '{column}' is '{word}': to read one kind of row alone, set rows: {{{column}: {kind}}}."

    def require_some(self) -> None:
        """Raises InputError where rows were told apart and none was wanted, saying which there are."""
        if self.others and not self.count:
            wanted = ", ".join(f"'{self.headings[place]}' is '{word}'" for place, word in self.wanted.items())
            raise InputError(f"{self.name}: rows: in no row {wanted}; there are: {listed(sorted(self.others))}.")

    def _word(self, fields: Sequence[str], place: int) -> str:
        return fields[place].strip() if place < len(fields) else ""
