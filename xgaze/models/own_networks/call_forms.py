"""How a user's forward takes a recording's inputs, and which part of what it returns is the model's output."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.models.own_networks.fidelity import Inputs, differences, outputs, seeded, synthetic_batches
from xgaze.models.own_networks.user_code import user_code

Part = str | int | None
"""Key or place of a part; None: the whole."""
ONE_BY_ONE, KEYWORDS = "one-by-one", "keywords"
AS_ONE: Mapping[str, Callable[[tuple[str, ...], Inputs], Any]] = {
    "list": lambda _, inputs: list(inputs),
    "dict": lambda names, inputs: dict(zip(names, inputs, strict=True)),
    "stacked": lambda _, inputs: torch.stack(inputs, 1),
    "joined": lambda _, inputs: torch.cat(inputs, 1),
}
"""Forms in which all inputs are one argument: by their names, on a new axis after that of the batch, channels side by side."""


@dataclass(frozen=True)
class Call:
    """takes: the form in which forward takes inputs, None where only one works. output: the part of what it returns, None where
    only one can be meant. settled: it was accepted before, when inputs went in one by one whatever forward calls them."""

    takes: str | None = None
    output: Part = None
    settled: bool = False

    @classmethod
    def of(cls, architecture: Mapping[str, Any], settled: bool = False) -> "Call":
        return cls(architecture.get("takes"), architecture.get("output"), settled)


class Called(nn.Module):
    """`own` as a model of its inputs one by one that returns its output alone. in_use, taught: the part that is the output."""

    def __init__(
        self, own: nn.Module, form: str, names: tuple[str, ...], in_use: Part = None, taught: Part = None
    ) -> None:
        super().__init__()
        self.own, self.form, self.names, self.in_use, self.taught = own, form, names, in_use, taught

    def forward(self, *inputs: Tensor) -> Any:
        if self.form == KEYWORDS:
            returned = self.own(**dict(zip(self.names, inputs, strict=True)))
        else:
            returned = self.own(AS_ONE[self.form](self.names, inputs)) if self.form in AS_ONE else self.own(*inputs)
        part = self.taught if self.training else self.in_use
        if part is None:
            return returned
        return returned[part] if isinstance(part, int) or isinstance(returned, Mapping) else getattr(returned, part)


def class_of(module: nn.Module) -> str:
    """The name of the user's class."""
    return type(module.own if isinstance(module, Called) else module).__name__


def as_called(what: str, own: nn.Module, spec: Spec, call: Call) -> nn.Module:
    """`own`, or where its forward takes inputs in another form than one by one, or returns more than the output, a module that
    does neither. what: its name in messages. Raises InputError where no form works, several do, or no one part can be meant."""
    names = tuple(one.name for one in spec.inputs)
    form = call.takes or _form_of(what, own, spec, names, call.settled)
    whole = Called(own, form, names)
    in_use = _part_meant(what, zeros_through(what, whole, spec, 2), 2, spec, call.output)
    taught = _part_in_training(what, whole, spec, in_use, call.output)
    if in_use is taught is None and call.output is not None:
        raise InputError(f"{what}: forward returns one tensor, and model.output names a part of it: take the key out.")
    if form == ONE_BY_ONE and in_use is taught is None:
        return own
    return Called(own, form, names, in_use, taught)


def zeros_through(what: str, model: nn.Module, spec: Spec, samples: int) -> Any:
    """What the model returns, in use, for so many samples of zeros. Raises InputError."""
    with user_code(f"{what}: forward fails on inputs {shapes_of(spec, samples)}"):
        return outputs(model, tuple(torch.zeros(samples, *one.shape) for one in spec.inputs))


def shapes_of(spec: Spec, samples: int) -> str:
    return ", ".join(f"{one.name} ({samples}, {', '.join(map(str, one.shape))})" for one in spec.inputs)


def _form_of(what: str, own: nn.Module, spec: Spec, names: tuple[str, ...], settled: bool) -> str:
    """One by one, or by keywords, where the signature says so; else the only form that works. Raises InputError."""
    signature = inspect.signature(own.forward)
    if _binds(signature, *names):
        called = tuple(signature.bind(*names).arguments)
        if called != names and set(called) == set(names) and not settled:
            raise InputError(
                f"{what}: forward{signature} names the recording's inputs in another order than that has them "
                f"({', '.join(names)}): say by model.takes whether it gets them by their names (keywords) or in the recording's "
                f"order ({ONE_BY_ONE})."
            )
        return ONE_BY_ONE
    if _binds(signature, **dict.fromkeys(names)):
        return KEYWORDS
    found = [form for form in AS_ONE if _binds(signature, names) and _works(own, form, spec, names)]
    if not found:
        raise InputError(
            f"{what}: forward{signature} does not fit the recording's {len(names)} {'input' if len(names) == 1 else 'inputs'}, "
            f"given one by one, by keywords or as one list, dict or tensor ({', '.join(names)})."
        )
    first, *others = (Called(own, form, names) for form in found)
    if any(_differ(first, other, spec) for other in others):
        raise InputError(
            f"{what}: forward{signature} works with inputs as {' and as '.join(found)}: say which by model.takes."
        )
    return found[0]


def _binds(signature: inspect.Signature, *args: Any, **kwargs: Any) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _works(own: nn.Module, form: str, spec: Spec, names: tuple[str, ...]) -> bool:
    """Whether forward takes this form, whatever the batch, and returns the output, alone or among other parts."""
    whole = Called(own, form, names)
    try:
        return all(_fitting(zeros_through("", whole, spec, samples), samples, spec) for samples in (2, 3, 1))
    except InputError:
        return False


def _differ(one: nn.Module, other: nn.Module, spec: Spec) -> bool:
    try:
        return bool(differences(one, other, synthetic_batches(spec)))
    except AttributeError:  # no tensors
        return True


def _parts(returned: Any) -> dict[Part, Any]:
    """By key or place; the whole where it is one tensor."""
    if isinstance(returned, Mapping):
        return dict(returned)
    if isinstance(returned, tuple) and hasattr(returned, "_asdict"):
        return dict(returned._asdict())
    if isinstance(returned, tuple | list):
        return dict(enumerate(returned))
    return (
        {None: returned}
        if isinstance(returned, Tensor)
        else dict(vars(returned))
        if hasattr(returned, "__dict__")
        else {}
    )


def _fitting(returned: Any, samples: int, spec: Spec) -> list[Part]:
    wanted = (samples, spec.outputs)
    return [key for key, one in _parts(returned).items() if isinstance(one, Tensor) and tuple(one.shape) == wanted]


def _part_meant(what: str, returned: Any, samples: int, spec: Spec, asked: Part) -> Part:
    parts, fitting = _parts(returned), _fitting(returned, samples, spec)
    if None in parts:
        return None
    held = ", ".join(
        f"{key} {tuple(one.shape) if isinstance(one, Tensor) else type(one).__name__}" for key, one in parts.items()
    )
    told = f"{what}: forward returns a {type(returned).__name__} ({held})"
    if asked is not None:
        if asked not in parts:
            raise InputError(f"{told}, which has no part {asked!r}, as model.output says.")
        return asked
    if len(fitting) != 1:
        wanted = f"{len(fitting) or 'none'} of which {'are' if len(fitting) > 1 else 'is'} ({samples}, {spec.outputs})"
        raise InputError(
            f"{told}, {wanted}, as its output is: say which by model.output, or wrap it in a module that returns that alone."
        )
    return fitting[0]


def _part_in_training(what: str, whole: Called, spec: Spec, in_use: Part, asked: Part) -> Part:
    """In training forward may return more; what it returns where it cannot be run so alone is what it does in use."""
    model, batch = copy.deepcopy(whole).train(), synthetic_batches(spec)[0]
    try:
        with user_code(what), torch.no_grad(), seeded(0):
            returned = model(*batch)
    except InputError:
        return in_use
    parts = _parts(returned)
    if (None in parts) == (in_use is None) and (in_use is None or in_use in parts):
        return in_use
    return _part_meant(f"{what}, in training", returned, len(batch[0]), spec, asked)
