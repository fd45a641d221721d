"""A student is data: an architecture, an ordered list of surgeries, and weights. Rebuilt here, bit-equal, without pickle."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, read_card, read_weights
from xgaze.compression.coarse_input import CoarseInput
from xgaze.compression.columns import Columns
from xgaze.compression.cut import Cut
from xgaze.compression.fold import Fold
from xgaze.compression.low_rank import LowRank
from xgaze.compression.no_op import RemoveNoOp
from xgaze.compression.separable import Separable
from xgaze.compression.surgery import Surgery
from xgaze.data.contract import Spec
from xgaze.errors import InputError, nearest
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build_architecture
from xgaze.models.reproduced import require_reproduced

SURGERIES: Mapping[str, type[Any]] = MappingProxyType(
    {
        "fold": Fold,
        "low_rank": LowRank,
        "separable": Separable,
        "channels": Cut,
        "hidden_units": Cut,
        "coarse_input": CoarseInput,
        "columns": Columns,
        "no_op": RemoveNoOp,
    }
)


def surgery_from_json(stored: dict[str, Any]) -> Surgery:
    """The surgery of a model card; a `proof` beside it is a record, not a setting. Raises InputError."""
    kind = str(stored.get("kind"))
    if kind not in SURGERIES:
        raise InputError(f"unknown surgery '{kind}' in a model card; {nearest(kind, SURGERIES)}")
    try:
        surgery: Surgery = SURGERIES[kind](**{key: value for key, value in stored.items() if key != "proof"})
    except TypeError as error:
        raise InputError(f"surgery '{kind}' in a model card is malformed: {error}") from None
    return surgery


def rebuild(card: ModelCard) -> FeatureHead:
    """The model's structure, with undefined weights."""
    spec = Spec.from_json(card.spec)
    model = build_architecture(card.architecture, spec, known=True)
    for stored in card.surgeries:
        surgery_from_json(stored).reshape(model)
    return model


def load_model(folder: Path) -> tuple[FeatureHead, ModelCard]:
    """Model and card of a model folder, in evaluation mode and in the memory format it was trained in, since convolutions on a
    CPU are twice as fast in channels_last. Raises InputError if weights and structure do not fit, or where the code that makes
    the model is no longer what it was trained with."""
    card = read_card(folder)
    model = rebuild(card)
    weights = read_weights(folder / WEIGHTS_FILE)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise InputError(f"{folder}: weights do not fit the model described in model.json: {first}") from None
    require_reproduced(model, Spec.from_json(card.spec), card.metrics, card.architecture)
    if card.recipe.get("training", {}).get("channels_last"):
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval(), card
