"""Fresh models from what recipes and model cards say."""

from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from xgaze.data.contract import Spec
from xgaze.errors import InputError, nearest
from xgaze.models.architecture import ARCHITECTURES
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.call_forms import Call
from xgaze.models.own_networks.imported import build_imported, build_stored


def build_architecture(architecture: dict[str, Any], spec: Spec, known: bool = False) -> FeatureHead:
    """A fresh model from {"name", "args"}, {"import", "args"} or {"name", "graph"}, as recipes and model cards hold it. known:
    see `build_imported`. Whether inputs' names are in order is asked before a network is trained or adopted, not here. Raises
    InputError."""
    if "graph" in architecture:
        return build_stored(architecture["name"], architecture["graph"], spec, known)
    if "import" in architecture:
        return build_imported(
            architecture["import"], architecture["args"], spec, known, Call.of(architecture, settled=True)
        )
    return build(architecture["name"], architecture["args"], spec)


def build(name: str, args: dict[str, Any], spec: Spec) -> FeatureHead:
    """A fresh model with random weights. Raises InputError for an unknown name or argument, or inputs too small."""
    network = _network(name)
    checked = _checked(name, network, args)
    try:
        model: FeatureHead = network(spec, **checked)
        return model
    except (RuntimeError, ValueError) as error:
        shapes = ", ".join(f"{one.name} {'x'.join(map(str, one.shape))}" for one in spec.inputs)
        raise InputError(f"model '{name}' cannot read inputs {shapes}: {error}") from None


def _network(name: str) -> type[Any]:
    try:
        return ARCHITECTURES[name].network
    except InputError:
        raise InputError(f"model.name '{name}' is not registered; {nearest(name, ARCHITECTURES)}") from None


def _checked(name: str, network: type[Any], args: dict[str, Any]) -> dict[str, Any]:
    """Arguments validated against the constructor's annotations."""
    hints = get_type_hints(network.__init__, include_extras=True)
    known = {key: hint for key, hint in hints.items() if key not in ("spec", "return")}
    for key in args:
        if key not in known:
            raise InputError(f"model.args: '{name}' has no argument '{key}'; {nearest(key, known)}")
    return {key: _valid(name, key, known[key], value) for key, value in args.items()}


def _valid(name: str, key: str, hint: Any, value: Any) -> Any:
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, (key, *fault["loc"])))
        raise InputError(f"model.args of '{name}', {where}: {fault['msg']} (found {fault['input']!r}).") from None
