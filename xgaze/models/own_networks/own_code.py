"""Features as the user's own code makes them in training, where it does there what no graph keeps: noise, a view left out by
chance, blocks that are skipped."""

import copy
from collections.abc import Collection, Sequence
from typing import Any

from torch import Tensor, fx, nn

from xgaze.errors import InputError


class OwnCode:
    """The user's module up to its first fully connected layers, with the layers of features in the places of its own: they may
    have been replaced, cut or moved since. Own weights it has none."""

    def __init__(self, module: nn.Module, ends: Collection[str]) -> None:
        shared = [*module.parameters(), *module.buffers()]
        self.module = copy.deepcopy(module, {id(one): one for one in shared})
        for path in ends:
            self.module.set_submodule(path, _End())
        known = dict[int, list[str]]()
        for path, one in self.module.named_modules(remove_duplicate=False):
            known.setdefault(id(one), []).append(path)
        self.places = {path: paths for paths in known.values() for path in paths}

    def features(self, net: fx.GraphModule, inputs: Sequence[Tensor]) -> Tensor:
        """What enters the first fully connected layers, the layers of `net` in their places. Raises InputError where the code
        calls one that `net` lacks: it would neither learn nor be stored."""
        lent = self._lend(net)
        hooks = [one.register_forward_pre_hook(_refused(path)) for path, one in self._kept(net, lent)]
        try:
            self.module(*inputs)
        except _Reached as reached:
            return reached.features
        finally:
            for hook in hooks:
                hook.remove()
        raise InputError("forward did not come to its first fully connected layer in training.")

    def _lend(self, net: fx.GraphModule) -> set[str]:
        lent = set[str]()
        for node in net.graph.nodes:
            path = str(node.target)
            if node.op == "call_module" and path in self.places:
                for place in self.places[path]:
                    self.module.set_submodule(place, net.get_submodule(path))
                    lent.add(place)
            if node.op == "get_attr":
                holder, _, name = path.rpartition(".")
                if holder in self.places and hasattr(self.module.get_submodule(holder), name):
                    setattr(self.module.get_submodule(holder), name, getattr(net.get_submodule(holder), name))
        return lent

    def _kept(self, net: fx.GraphModule, lent: set[str]) -> list[tuple[str, nn.Module]]:
        """Modules of its own that hold weights; all of its own are told that this is training."""
        known = {id(one) for one in net.parameters()}
        kept = list[tuple[str, nn.Module]]()
        for path, one in self.module.named_modules(remove_duplicate=False):
            if not any(path == other or path.startswith(f"{other}.") for other in lent):
                one.training = True
                if any(id(weight) not in known for weight in one.parameters(recurse=False)):
                    kept.append((path, one))
        return kept


class _Reached(BaseException):
    """Not an Exception: the user's code may catch those."""

    def __init__(self, features: Tensor) -> None:
        self.features = features


class _End(nn.Module):
    """In the place of a first fully connected layer."""

    def forward(self, features: Tensor) -> Tensor:
        raise _Reached(features)


def _refused(path: str) -> Any:
    def refuse(*_: Any) -> None:
        raise InputError(f"its '{path}' runs in training alone, before its first fully connected layer.")

    return refuse
