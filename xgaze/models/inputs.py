"""Which of a recording's inputs a model reads. Raises InputError where a recording does not give them."""

from collections.abc import Sequence

from xgaze.data.contract import InputSpec, Spec, dimensions
from xgaze.errors import InputError


def only_picture(spec: Spec) -> InputSpec:
    """The recording's one input, a picture."""
    if len(spec.inputs) != 1:
        raise InputError(f"this model reads one picture; the recording gives {_given(spec)}.")
    _ = spec.inputs[0].picture  # raises InputError if it is none
    return spec.inputs[0]


def picture_place(spec: Spec, others: Sequence[str]) -> int:
    """Place of the one input that is not among `others`, a picture."""
    places = [k for k, one in enumerate(spec.inputs) if one.name not in others]
    if len(places) != 1:
        raise InputError(f"this model reads one picture and {', '.join(others)}; the recording gives {_given(spec)}.")
    _ = spec.inputs[places[0]].picture
    return places[0]


def place_of(spec: Spec, name: str, axes: str, unchanged: bool = False) -> int:
    """Place of the input of this name among the recording's. axes: what its shape counts, in words ("steps x features").

    unchanged: it must come as it is stored, neither shifted nor scaled, since the model counts or masks with it.
    """
    names = [one.name for one in spec.inputs]
    if name not in names:
        raise InputError(f"this model reads an input '{name}'; the recording gives {_given(spec)}.")
    one = spec.inputs[names.index(name)]
    if len(one.shape) != len(axes.split(" x ")):
        raise InputError(f"input '{name}' is {dimensions(one.shape)}; this model reads it as {axes}.")
    if unchanged and (one.mean, one.std) != (0.0, 1.0):
        raise InputError(f"input '{name}' must not be normalised (mean 0, std 1): the model counts with it.")
    return names.index(name)


def require_only(spec: Spec, names: Sequence[str]) -> None:
    """No inputs but these: what a model does not read would seem to matter to it."""
    if {one.name for one in spec.inputs} != set(names):
        raise InputError(f"this model reads {', '.join(names)}; the recording gives {_given(spec)}.")


def pictures_and_vectors(spec: Spec, pictures: int) -> tuple[list[int], list[int]]:
    """Places of so many pictures, and of all vectors, which are all else that there is."""
    seen = [k for k, one in enumerate(spec.inputs) if len(one.shape) == 3]
    numbers = [k for k, one in enumerate(spec.inputs) if len(one.shape) == 1]
    if len(seen) != pictures or len(seen) + len(numbers) < len(spec.inputs):
        how = "one picture" if pictures == 1 else f"{pictures} pictures"
        raise InputError(f"this model reads {how}, and vectors; the recording gives {_given(spec)}.")
    return seen, numbers


def _given(spec: Spec) -> str:
    return ", ".join(f"{one.name} {dimensions(one.shape)}" for one in spec.inputs)
