"""Layers that a recipe wants left as they are (`distill.keep`), by the names that their author knows."""

from collections.abc import Iterable, Iterator, Sequence

from xgaze.errors import InputError, nearest
from xgaze.models.layers import FeatureHead

OF_PARTS = ("features_net.", "head.tail.", "head.")
"""What splitting a user's model puts before the names of its modules."""


def lies_in(path: str, modules: Iterable[str]) -> bool:
    """Whether `path` is one of the modules, or inside of one."""
    return any(path == one or path.startswith(f"{one}.") for one in modules)


def kept_modules(model: FeatureHead, wanted: Sequence[str]) -> tuple[str, ...]:
    """Paths in `model` of the modules that `wanted` names, as the model or its author names them. Raises InputError for one that
    it does not have, with the nearest name."""
    known: dict[str, list[str]] = {}
    for path, _ in model.named_modules():
        for name in _names(path):
            known.setdefault(name, []).append(path)
    for name in wanted:
        if name not in known and name.replace(".", "_") not in known:
            raise InputError(f"distill.keep: the teacher has no module '{name}'; {nearest(name, known)}")
    found = (path for name in wanted for path in known.get(name) or known[name.replace(".", "_")])
    return tuple(dict.fromkeys(found))


def as_author_says(path: str) -> str:
    """The path of a module without what splitting put before it."""
    return next((path.removeprefix(part) for part in OF_PARTS[:2] if path.startswith(part)), path)


def _names(path: str) -> Iterator[str]:
    if path:
        yield path
    for part in OF_PARTS:
        if path.startswith(part) and path != part:
            yield path.removeprefix(part)
