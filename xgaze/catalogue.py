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
"""Group of entry points: modules that register things when they are imported. Whoever asks for a name that is not
known, or for all, looks there."""


class Catalogue(Generic[T]):
    """Every module of `package` that has the attribute `holds` offers what it holds (one thing, or a tuple of them), each under
    its `name`. A thing named "eye-folders" is looked for in the module `eye_folders` first, so that it alone is imported."""

    def __init__(self, what: str, package: str, holds: str) -> None:
        self.what, self.package, self.holds = what, package, holds
        self._registered: dict[str, T] = {}
        self._plugins_loaded = False

    def register(self, thing: T) -> T:
        """Offer a thing from outside the package. Raises InputError where its name is taken by another."""
        name = _name(thing)
        if self._registered.get(name, thing) is not thing or name in self._own():
            raise InputError(f"{self.what} '{name}' is registered already.")
        self._registered[name] = thing
        return thing

    def __getitem__(self, name: str) -> T:
        """Raises InputError naming what there is."""
        if (known := self._found_at_once(name) or self._all()) and name in known:
            return known[name]
        raise InputError(f"there is no {self.what} '{name}'. There are: {', '.join(self)}.")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (bool(self._found_at_once(name)) or name in self._all())

    def __iter__(self) -> Iterator[str]:
        """All names, in the alphabet's order. Imports every module."""
        return iter(sorted(self._all()))

    def values(self) -> list[T]:
        """All things, in the order of their names."""
        known = self._all()
        return [known[name] for name in sorted(known)]

    def _found_at_once(self, name: str) -> dict[str, T]:
        """What is registered, or lies in the module of this name; nothing else is imported."""
        module = re.sub(r"\W", "_", name)
        if name in self._registered:
            return self._registered
        return found if module in self._modules() and name in (found := self._held(module)) else {}

    def _all(self) -> dict[str, T]:
        self._load_plugins()
        return self._registered | self._own()

    def _modules(self) -> list[str]:
        return [one.name for one in iter_modules(import_module(self.package).__path__)]

    def _held(self, module: str) -> dict[str, T]:
        held = getattr(import_module(f"{self.package}.{module}"), self.holds, ())
        return {_name(one): one for one in (held if isinstance(held, tuple) else (held,))}

    def _own(self) -> dict[str, T]:
        return {name: one for module in self._modules() for name, one in self._held(module).items()}

    def _load_plugins(self) -> None:
        if not self._plugins_loaded:
            self._plugins_loaded = True
            for one in entry_points(group=PLUGINS):
                one.load()


def _name(thing: object) -> str:
    return str(getattr(thing, "name"))  # noqa: B009
