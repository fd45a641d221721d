"""Published architectures by name: each a file of its own in `architectures/`, or registered from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xgaze.catalogue import Catalogue


@dataclass(frozen=True)
class Layout:
    """How weights are named in a published file. names: of the network's own beginnings of names, those in the file, where they
    are others; of several the rows lie one below the other. turned: own beginnings of layers whose rows lie there in reverse
    order, as yaw before pitch. unread: beginnings in the file of what the network does not compute with. unit: in which such
    files tell outputs; empty where it is the recording's. scaled: own beginning of the last layer, where it is brought from there
    to the recording's unit, and the network does not do so itself."""

    names: Mapping[str, str | tuple[str, ...]]
    turned: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unit: str = ""
    scaled: str = ""


@dataclass(frozen=True)
class Architecture:
    """network: a `FeatureHead`, made as network(spec, **args); the annotations of its keyword-only arguments validate recipes.
    layouts: of files that others store its weights in."""

    name: str
    network: type[Any]
    layouts: tuple[Layout, ...] = ()


ARCHITECTURES: Catalogue[Architecture] = Catalogue("architecture", "xgaze.models.architectures", "ARCHITECTURE")
