"""A user's own model, named in the recipe as `import: "package.module:Class"`, made into features and head."""

import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.errors import InputError, nearest
from xgaze.models.layers import FeatureHead
from xgaze.models.split import SUBCLASS, split


def build_imported(reference: str, args: dict[str, Any], spec: Spec) -> FeatureHead:
    """A fresh model of the class at `reference` ("package.module:Class"), with random weights.

    The class is called with `args`, and with `spec` first if its first parameter has that name. A `FeatureHead` is used as it
    is; any other module is split at its first FC layer. Modules in the working directory are found.
    Raises InputError for whatever keeps the class from being a model of this recording.
    """
    with _working_directory_importable():
        model = _constructed(reference, _imported_class(reference), args, spec)
        _check_inputs(reference, model, spec)
        _check_outputs(reference, model, spec)
        if isinstance(model, FeatureHead):
            return model
        parted = split(model, [torch.zeros(2, *one.shape) for one in spec.inputs])
        _check_same(reference, model, parted, spec)
    return parted


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
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # importing runs the user's code: it may raise anything
        raise InputError(f"model.import '{reference}': {_import_fault(module_name, error)}") from None
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


def _import_fault(module_name: str, error: Exception) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and (module_name == missing or module_name.startswith(f"{missing}.")):
        return f"no module '{missing}' in {Path.cwd()} or among the installed packages; run xgaze where it lies."
    return f"importing {module_name} fails: {type(error).__name__}: {error}"


def _file_of(module: object) -> str:
    return str(getattr(module, "__file__", None) or "no file")


def _constructed(reference: str, wanted: type[nn.Module], args: dict[str, Any], spec: Spec) -> nn.Module:
    first = next(iter(inspect.signature(wanted).parameters), None)
    try:
        return wanted(spec, **args) if first == "spec" else wanted(**args)
    except Exception as error:  # the user's code: it may raise anything
        given = ", ".join(f"{key}={value!r}" for key, value in args.items()) or "no arguments"
        raise InputError(
            f"model.import '{reference}': the constructor fails with model.args ({given}): {type(error).__name__}: {error}"
        ) from None


def _check_inputs(reference: str, model: nn.Module, spec: Spec) -> None:
    """forward takes the recording's inputs one by one, in its order."""
    signature = inspect.signature(model.forward)
    try:
        signature.bind(*spec.inputs)
    except TypeError:
        names = ", ".join(one.name for one in spec.inputs)
        raise InputError(
            f"model.import '{reference}': forward{signature} does not fit the recording's {len(spec.inputs)} "
            f"{'input' if len(spec.inputs) == 1 else 'inputs'}, given one by one ({names})."
        ) from None


def _check_outputs(reference: str, model: nn.Module, spec: Spec) -> None:
    shapes = ", ".join(f"{one.name} (2, {', '.join(map(str, one.shape))})" for one in spec.inputs)
    try:
        out = _outputs(model, [torch.zeros(2, *one.shape) for one in spec.inputs])
    except Exception as error:  # the user's code: it may raise anything
        raise InputError(
            f"model.import '{reference}': forward fails on inputs {shapes}: {type(error).__name__}: {error}"
        ) from None
    found = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
    if found != (2, spec.outputs):
        what = {"gaze": "gaze x and y", "value": "the value", "class": "one logit per class"}[spec.kind]
        raise InputError(
            f"model.import '{reference}': from {shapes} it makes {found}, not (batch, outputs) = (2, {spec.outputs}): {what}."
        )


def _check_same(reference: str, model: nn.Module, parted: FeatureHead, spec: Spec) -> None:
    """The parts together are the model, also at another batch size."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(3, *one.shape, generator=generator) for one in spec.inputs]
    try:
        same = torch.allclose(_outputs(model, inputs), _outputs(parted, inputs), rtol=1e-5, equal_nan=True)
    except RuntimeError:
        same = False
    if not same:
        raise InputError(
            f"model.import '{reference}': split at its first fully connected layer it is not the same model (a fixed batch "
            f"size, work in place, or chance in its forward?). {SUBCLASS}"
        )


@torch.no_grad()
def _outputs(model: nn.Module, inputs: Sequence[Tensor]) -> Any:
    """Outputs in evaluation mode, mode restored: BatchNorm's statistics do not move."""
    training = model.training
    try:
        return model.eval()(*inputs)
    finally:
        model.train(training)
