"""A student is data: an architecture, an ordered list of surgeries, and weights. Rebuilt here, bit-equal, without pickle."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from xgaze.artifacts import CARD_FILE, WEIGHTS_FILE, ModelCard, read_card, read_weights
from xgaze.compression.surgeries.base import Surgery
from xgaze.compression.surgeries.surgery_kinds import SURGERIES
from xgaze.data.contract import Spec
from xgaze.errors import InputError, nearest
from xgaze.models.fingerprint import require_reproduced
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build_architecture
from xgaze.recipe import Data, ModelSection

RECORDS = {"proof", "words", "where"}
"""What a model card says beside a surgery, for people: no settings."""

INSIDE = {"layout", "file", "views", "splits", "pictures", "table", "maps"}
"""Keys of data sections whose values are names in the folder `path`, or several such names."""


def surgery_from_json(stored: dict[str, Any]) -> Surgery:
    """The surgery of a model card; what is recorded beside it is no setting. Raises InputError."""
    kind = str(stored.get("kind"))
    if kind not in SURGERIES:
        raise InputError(f"unknown surgery '{kind[:60]}' in a model card; {nearest(kind[:60], SURGERIES)}")
    fields = {key: value for key, value in stored.items() if key not in RECORDS}
    try:
        TypeAdapter(SURGERIES[kind].stored).validate_python(fields)
        surgery: Surgery = SURGERIES[kind].stored(**fields)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise InputError(f"surgery '{kind}' in a model card is malformed: {fault['loc']}: {fault['msg']}") from None
    except TypeError as error:
        raise InputError(f"surgery '{kind}' in a model card is malformed: {error}") from None
    return surgery


def rebuild(card: ModelCard) -> FeatureHead:
    """The model's structure, with undefined weights. Raises InputError for a card that describes none."""
    model = build_architecture(described(card.architecture), Spec.from_json(card.spec), known=True)
    for number, stored in enumerate(card.surgeries, start=1):
        surgery = surgery_from_json(stored)
        try:
            surgery.reshape(model)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            told = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
            raise InputError(f"surgery {number} ('{stored['kind']}') does not fit the model ({told})") from None
    return model


def described(architecture: dict[str, Any]) -> dict[str, Any]:
    """The architecture of a card in its one form. Raises InputError."""
    try:
        return ModelSection.model_validate(architecture).model_dump(mode="json")
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise InputError(f"key '{'.'.join(map(str, ('architecture', *fault['loc'])))}': {fault['msg']}") from None


def load_model(
    folder: Path, own: ModelSection | None = None, trust_import: bool = False
) -> tuple[FeatureHead, ModelCard]:
    """Model and card of a model folder, in evaluation mode and in the memory format it was trained in, since convolutions on a
    CPU are twice as fast in channels_last.

    own: the model of the user's recipe, which the card must describe. Without it a card that imports a class is refused unless
    `trust_import`, as importing runs code. Raises InputError for these, if weights and structure do not fit, and where the
    code that makes the model is no longer what it was trained with.
    """
    card = read_card(folder)
    with _naming(folder / CARD_FILE):
        require_trust(described(card.architecture), own, trust_import)
        model = rebuild(card)
    load_weights(model, folder / WEIGHTS_FILE)
    with _naming(folder / CARD_FILE):
        require_reproduced(model, Spec.from_json(card.spec), card.metrics, card.architecture)
    return in_trained_layout(model, card).eval(), card


def in_trained_layout(model: FeatureHead, card: ModelCard) -> FeatureHead:
    """The model itself, in the memory format in which the card's recipe trains."""
    training = card.recipe.get("training")
    if isinstance(training, dict) and training.get("channels_last") is True:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Faults of what a file says begin with its name."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def require_trust(architecture: dict[str, Any], own: ModelSection | None, trust_import: bool) -> None:
    """Before anything is built: a folder may come from anyone, and a class in it is code. Raises InputError."""
    if own is not None:
        if architecture != own.model_dump(mode="json"):
            raise InputError(
                f"describes another model ({_name(architecture)}) than the recipe ({_name(own.model_dump(mode='json'))}): "
                "edited, or of another run. Give the recipe it was trained with, or train with --force to replace it."
            )
    elif "import" in architecture and not trust_import:
        raise InputError(
            f"the model is the class '{str(architecture['import'])[:100]}', and importing it runs all code of "
            f"its module, which is looked for in {Path.cwd()} first. Give --trust-import if you know what it does."
        )


def _name(architecture: dict[str, Any]) -> str:
    args = ", ".join(f"{key}={str(value)[:40]}" for key, value in architecture.get("args", {}).items())
    return f"{str(architecture.get('import') or architecture.get('name'))[:60]}({args[:120]})"


def trained_on(folder: Path, card: ModelCard) -> Data:
    """The data section of the recipe that the model in `folder` was trained with. Raises InputError, also where it names files
    that could lie outside the folder that somebody else gives: a card may come from anybody."""
    try:
        data: Data = TypeAdapter(Data).validate_python(card.recipe["data"])
    except KeyError:
        raise InputError(f"{folder / CARD_FILE}: key 'recipe.data' is missing.") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, ("recipe.data", *fault["loc"])))
        raise InputError(f"{folder / CARD_FILE}: key '{where}': {fault['msg']}.") from None
    for key, value in _files_of_input(data.model_dump(mode="json"), "recipe.data"):
        if PurePath(value).is_absolute() or ".." in PurePath(value).parts:
            raise InputError(
                f"{folder / CARD_FILE}: key '{key}': '{value}' leads out of the folder to predict on. Use a model whose recipe "
                "names files inside it."
            )
    return data


def _files_of_input(stored: Any, key: str, inside: bool = False) -> Iterator[tuple[str, str]]:
    """Key and value of all that a data section looks for inside the folder it is given."""
    if isinstance(stored, dict):
        for name, value in stored.items():
            yield from _files_of_input(value, f"{key}.{name}", inside or name in INSIDE)
    elif isinstance(stored, str) and inside:
        yield key, stored


def load_weights(model: FeatureHead, file: Path) -> None:
    """Put stored weights into a model. Raises InputError unless they are numbers, and the model's, each of its shape."""
    stored = read_weights(file)
    if any(tensor.is_floating_point() and tensor.isnan().any() for tensor in stored.values()):
        raise InputError(f"{file}: damaged: it holds weights that are no numbers. Make it again with --force.")
    try:
        model.load_state_dict(stored)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise InputError(
            f"{file}: the weights do not fit the model described in {CARD_FILE}: {first[0].strip()[:200]}"
        ) from None
