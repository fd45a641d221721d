"""Which cameras are each other's mirror images, as a definition names them."""

from collections.abc import Mapping, Sequence

from xgaze.data.contract import InputSpec, dimensions
from xgaze.errors import InputError, nearest


def partners_by_name(inputs: Sequence[InputSpec], pairs: Mapping[str, str] | None) -> tuple[int, ...] | None:
    """For each input the number of its partner, its own where no pair names it; None where no pairs are told at all. Raises
    InputError for names that are no inputs, one in two pairs, and partners of unequal shape."""
    if pairs is None:
        return None
    place = {one.name: k for k, one in enumerate(inputs)}
    partners = list(range(len(inputs)))
    named = [name for pair in pairs.items() for name in set(pair)]
    for name in named:
        if name not in place:
            raise InputError(f"mirror_images: there is no input '{name}'; {nearest(name, place)}")
        if named.count(name) > 1:
            raise InputError(f"mirror_images: '{name}' stands in two pairs; name each once.")
    for left, right in pairs.items():
        shapes = [inputs[place[name]].shape for name in (left, right)]
        if shapes[0] != shapes[1]:
            told = " and ".join(map(dimensions, shapes))
            raise InputError(f"mirror_images: '{left}' and '{right}' are {told}, and cannot change places.")
        partners[place[left]], partners[place[right]] = place[right], place[left]
    return tuple(partners)
