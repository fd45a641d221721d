"""Weights as published files of an architecture name them, by the names that its network has here."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from xgaze.models.architecture import Layout

AS_HERE = Layout({})


def in_own_names(
    stored: Mapping[str, Tensor], own: Iterable[str], layouts: Sequence[Layout]
) -> tuple[dict[str, Tensor], Layout]:
    """The stored weights by the network's `own` names, as that layout says in which most of them are found and least is over; and
    the layout. What it does not know stays as it is. Wrappers are left out, and what the layout says is unread."""
    own = list(own)
    readings = [(_read(stored, own, layout), layout) for layout in (AS_HERE, *layouts)]
    return max(readings, key=lambda one: (len(one[0].keys() & set(own)), -len(one[0])))


def without_wrappers(stored: Mapping[str, Tensor], own: Iterable[str]) -> dict[str, Tensor]:
    """DataParallel's "module.", Lightning's "model.", torch.compile's "_orig_mod.": whatever stands before all names, as long as
    none of them is the network's own."""
    named, known = dict(stored), set(own)
    while named and not set(named) & known:
        first = {name.partition(".")[0] for name in named}
        if len(first) > 1 or not all("." in name for name in named):
            break
        named = {name.partition(".")[2]: one for name, one in named.items()}
    return named if set(named) & known else dict(stored)


def _read(stored: Mapping[str, Tensor], own: Sequence[str], layout: Layout) -> dict[str, Tensor]:
    places = {name: _places(name, layout) for name in own}
    held = without_wrappers(stored, (one for names in places.values() for one in names))
    found: dict[str, Tensor] = {}
    for name, names in places.items():
        if all(one in held for one in names):
            rows = [held.pop(one) for one in names]
            whole = rows[0] if len(rows) == 1 else torch.cat(rows)
            found[name] = whole.flip(0) if name.startswith(layout.turned) else whole
    return found | {name: one for name, one in held.items() if not name.startswith(layout.unread)}


def _places(name: str, layout: Layout) -> list[str]:
    """Where the weight of this name lies in a file of the layout: the longest beginning that is told of decides."""
    known = max((one for one in layout.names if name.startswith(one)), key=len, default="")
    there = layout.names.get(known, known)
    return [one + name.removeprefix(known) for one in ((there,) if isinstance(there, str) else there)]
