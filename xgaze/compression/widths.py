"""Channel counts that cost nothing: processors compute some widths as fast as smaller ones, so the wider one is taken."""

from collections.abc import Mapping

from xgaze.errors import InputError

MULTIPLES = (4, 8)


def candidate_widths(asked: int, most: int) -> list[int]:
    """The width asked for and the next multiples of 4 and 8, as far as there are so many channels; ascending."""
    return sorted({min(most, width) for width in (asked, *(-(-asked // k) * k for k in MULTIPLES))})


def largest_as_fast(latency_ms: Mapping[int, float], asked: int, tolerance: float = 0.02) -> int:
    """The largest measured width whose latency is at most `tolerance` above that of the width asked for: more channels lose
    less. latency_ms: width -> measured median. Raises InputError if the width asked for was not measured."""
    if asked not in latency_ms:
        raise InputError(f"width {asked} was not measured; measured: {', '.join(map(str, sorted(latency_ms)))}.")
    allowed = latency_ms[asked] * (1 + tolerance)
    return max(width for width, each in latency_ms.items() if each <= allowed and width >= asked)
