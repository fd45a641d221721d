"""Is a recording sound? Looks at everything, stops at nothing, writes nothing."""

from dataclasses import replace

from xgaze.data.fault_kinds import KINDS, REMEDIES, Checked, Fault, Kind, summarise
from xgaze.data.source import source_of
from xgaze.progress import Advance
from xgaze.recipe import Data

__all__ = ["KINDS", "REMEDIES", "Fault", "Kind", "check", "checked", "summarise"]


def check(data: Data, advance: Advance | None = None) -> list[Fault]:
    """Every fault of a recording, by kind in the order of `KINDS`; advance(done, total) follows the decoding."""
    return list(checked(data, advance).faults)


def checked(data: Data, advance: Advance | None = None) -> Checked:
    """The same, with what shows of a recording of pictures that is no fault."""
    found = source_of(data).check(data, advance)
    return replace(found, faults=tuple(sorted(found.faults, key=lambda fault: KINDS.index(fault.kind))))
