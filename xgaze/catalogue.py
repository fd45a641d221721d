"""Things of one kind by name: a module each in a package of xgaze's, or registered from elsewhere. Adding one touches no list."""

import re
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Generic, TypeVar

from xgaze.errors import InputError

T = TypeVar("T")
PLUGINS = "xgaze"
"""Group of entry points: modules that register things when they are imported. Only a name that is not known looks there."""


class Catalogue(Generic[T]):
    """Every module of `package` that has the attribute `holds` offers what it holds (one thing, or a tuple of them), each under
    its `name`. A thing named "eye-folders" is looked for in the module `eye_folders` first, so that it alone is imported."""

    def __init__(self, what: str, package: str, holds: str) -> None:
        self.what, self.package, self.holds = what, package, holds
        self._registered: dict[str, T] = {}

    def register(self, thing: T) -> T:
        """Offer a thing from outside the package. Raises InputError where its name is taken by another."""
        name = _name(thing)
        if self._registered.get(name, thing) is not thing or name in self._own():
            raise InputError(f"{self.what} '{name}' is registered already.")
        self._registered[name] = thing
        return thing

    def __getitem__(self, name: str) -> T:
        """Raises InputError naming what there is."""
        module = re.sub(r"\W", "_", name)
        if name not in self._registered and module in self._modules() and name in (found := self._held(module)):
            return found[name]
        if name not in self:
            self.load_plugins()
        if name in (known := self._registered | self._own()):
            return known[name]
        raise InputError(f"there is no {self.what} '{name}'. There are: {', '.join(self)}.")

    def __contains__(self, name: object) -> bool:
        return name in self._registered or name in self._own()

    def __iter__(self) -> Iterator[str]:
        """All names, in the alphabet's order. Imports every module."""
        return iter(sorted(self._registered | self._own()))

    def values(self) -> list[T]:
        """All things, in the order of their names."""
        known = self._registered | self._own()
        return [known[name] for name in sorted(known)]

    def _modules(self) -> list[str]:
        return [one.name for one in iter_modules(import_module(self.package).__path__)]

    def _held(self, module: str) -> dict[str, T]:
        held = getattr(import_module(f"{self.package}.{module}"), self.holds, ())
        return {_name(one): one for one in (held if isinstance(held, tuple) else (held,))}

    def _own(self) -> dict[str, T]:
        return {name: one for module in self._modules() for name, one in self._held(module).items()}

    def load_plugins(self) -> None:
        """Import what installed packages register; where all things are wanted, not one by its name."""
        for one in entry_points(group=PLUGINS):
            one.load()


def _name(thing: object) -> str:
    return str(getattr(thing, "name"))  # noqa: B009
