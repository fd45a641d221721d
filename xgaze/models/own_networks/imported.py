"""A user's own model, named in the recipe as `import: "package.module:Class"`, made into features and head."""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.errors import InputError, nearest
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.call_forms import Call, as_called, shapes_of, zeros_through
from xgaze.models.own_networks.fidelity import (
    Inputs,
    differences,
    require_function,
    synthetic_batches,
    training_difference,
)
from xgaze.models.own_networks.own_heads import parted_head, require_composed
from xgaze.models.own_networks.split import SUBCLASS, split
from xgaze.models.own_networks.stored_graph import module_of
from xgaze.models.own_networks.user_code import fault, user_code

AS_IT_IS = Call()


def build_imported(
    reference: str, args: dict[str, Any], spec: Spec, known: bool = False, call: Call = AS_IT_IS
) -> FeatureHead:
    """A fresh model of the class at `reference` ("package.module:Class"), with random weights, as features and head.

    The class is called with `args`, and with `spec` first if its first parameter has that name. A `FeatureHead` whose head
    begins with a linear layer is used as it is; any other module is split at its first FC layer. Modules in the working
    directory are found. call: how its forward is called, where that cannot be told.
    known: whether it was proved to be the user's model before, and what it puts out is compared with what
    was stored then. Raises InputError for whatever keeps the class from being a model of this recording.
    """
    return own_and_parted(reference, args, spec, known, call=call)[1]


def own_and_parted(
    reference: str,
    args: dict[str, Any],
    spec: Spec,
    known: bool = False,
    load: Callable[[nn.Module], None] | None = None,
    call: Call = AS_IT_IS,
) -> tuple[nn.Module, FeatureHead]:
    """The user's own module, called as a model of the recording, and the same as features and head, which shares its weights and
    equals it, in training too.

    load: puts weights into the fresh module.
    """
    with _working_directory_importable():
        own = _constructed(reference, _imported_class(reference), args, spec)
        if load is not None:
            load(own)
        own = as_called(called(reference), own, spec, call)
        return own, parted_module(reference, own, spec, known)


def build_stored(name: str, graph: Mapping[str, Any], spec: Spec, known: bool = False) -> FeatureHead:
    """A fresh model of a graph that is stored (`graph_of`), as features and head; no code but torch's runs. Raises InputError."""
    return parted_module(name, module_of(graph), spec, known)


def parted_module(reference: str, own: nn.Module, spec: Spec, known: bool = False) -> FeatureHead:
    """`own` as features and head, which shares its weights and equals it, in training too. Raises InputError."""
    _check_outputs(reference, own, spec)
    with user_code(called(reference)):
        parted = _parted(reference, own, synthetic_batches(spec), known)
        if not known:
            _require_same_in_training(reference, own, parted, synthetic_batches(spec)[0])
    return parted


def called(reference: str) -> str:
    """As messages name a class of the user's, or a network that is at hand."""
    return f"model.import '{reference}'" if ":" in reference else f"network '{reference}'"


def _parted(reference: str, own: nn.Module, batches: list[Inputs], known: bool) -> FeatureHead:
    try:
        if not known:
            require_function(own, batches[0])
        if not known and isinstance(own, FeatureHead):
            require_composed(own, batches)
        parted = parted_head(own, batches) if isinstance(own, FeatureHead) else split(own, batches[0])
    except InputError as error:
        raise InputError(f"{called(reference)}: {error}") from None
    require_same(reference, own, parted, batches)
    return parted


def _require_same_in_training(reference: str, own: nn.Module, parted: FeatureHead, batch: Inputs) -> None:
    try:
        found = training_difference(own, parted, batch)
    except InputError as error:  # of its own code in training
        raise InputError(f"{called(reference)}: {error} {SUBCLASS}") from None
    if found:
        how = f"{found:.3g} apart" if found < float("inf") else "other gradients"
        raise InputError(
            f"{called(reference)}: in training, split at its first fully connected layer, it is not the same model "
            f"({how}; chance in its forward, or work in place on what dropout left as it is?). {SUBCLASS}"
        )


def require_same(reference: str, own: nn.Module, parted: nn.Module, batches: Iterable[Inputs]) -> None:
    """Raises InputError unless both make the same outputs on all batches."""
    try:
        found = differences(own, parted, batches)
    except RuntimeError as error:  # a size that was that of the first batch, for example
        raise InputError(_not_the_same(reference, fault(error))) from None
    if found:
        raise InputError(_not_the_same(reference, f"{found:.3g} apart"))


def _not_the_same(reference: str, how: str) -> str:
    return (
        f"{called(reference)}: split at its first fully connected layer it is not the same model ({how}; a fixed batch "
        f"size, work in place, or chance in its forward?). {SUBCLASS}"
    )


@contextmanager
def _working_directory_importable() -> Iterator[None]:
    """The console script does not look there by itself."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _imported_class(reference: str) -> type[nn.Module]:
    module_name, colon, class_name = reference.partition(":")
    if not (colon and class_name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        raise InputError(f"model.import '{reference}': expected package.module:Class, for example mypackage:MyNet.")
    importlib.invalidate_caches()
    with user_code(f"model.import '{reference}': importing {module_name} fails"):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
                raise InputError(f"model.import '{reference}': {_missing(error.name)}") from None
            raise
    found = getattr(module, class_name, None)
    if found is None:
        classes = [name for name, one in vars(module).items() if _is_module(one)]
        raise InputError(
            f"model.import '{reference}': {module_name} ({_file_of(module)}) has no '{class_name}'; "
            + (nearest(class_name, classes) if classes else "it has no nn.Module at all.")
        )
    if not _is_module(found):
        raise InputError(f"model.import '{reference}': '{class_name}' is not a class derived from torch.nn.Module.")
    return found  # type: ignore[no-any-return]


def _is_module(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, nn.Module)


def _missing(module: str) -> str:
    return f"no module '{module}' in {Path.cwd()} or among the installed packages; run xgaze where it lies."


def _file_of(module: object) -> str:
    return str(getattr(module, "__file__", None) or "no file")


def _constructed(reference: str, wanted: type[nn.Module], args: dict[str, Any], spec: Spec) -> nn.Module:
    first = next(iter(inspect.signature(wanted).parameters), None)
    given = ", ".join(f"{key}={value!r}" for key, value in args.items()) or "no arguments"
    with user_code(f"model.import '{reference}': the constructor fails with model.args ({given})"):
        return wanted(spec, **args) if first == "spec" else wanted(**args)


def _check_outputs(reference: str, model: nn.Module, spec: Spec) -> None:
    """forward makes (batch, outputs), whatever the batch."""
    for samples in (2, 3, 1):
        out = zeros_through(called(reference), model, spec, samples)
        found = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        if found != (samples, spec.outputs):
            what = {
                "gaze": "gaze x and y",
                "angle": "the numbers of the direction",
                "value": "the value",
                "class": "one logit per class",
            }[spec.kind]
            raise InputError(
                f"{called(reference)}: from {shapes_of(spec, samples)} it makes {found}, not (batch, outputs) = "
                f"({samples}, {spec.outputs}): {what}."
            )
