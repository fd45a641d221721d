"""Published architectures by name: each a file of its own in `architectures/`, or registered from outside."""

from dataclasses import dataclass
from typing import Any

from xgaze.catalogue import Catalogue


@dataclass(frozen=True)
class Architecture:
    """network: a `FeatureHead`, made as network(spec, **args); the annotations of its keyword-only arguments validate recipes."""

    name: str
    network: type[Any]


ARCHITECTURES: Catalogue[Architecture] = Catalogue("architecture", "xgaze.models.architectures", "ARCHITECTURE")
