"""A stored model against the recording it was scored on: the predictions beside it, and the user's own module."""

from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, read_weights
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.evaluation.predictions import prediction_table
from xgaze.models.fingerprint import allowed, name_of
from xgaze.models.inference import predict
from xgaze.models.own_networks.call_forms import Call
from xgaze.models.own_networks.fidelity import real_batches
from xgaze.models.own_networks.imported import own_and_parted, require_same

PREDICTIONS = "predictions.csv"
COMPARED = 12


def require_predictions(model: nn.Module, card: ModelCard, recording: Recording, folder: Path) -> None:
    """Raises InputError where the model predicts something else than predictions.csv beside it says, on a few of its rows."""
    if not (folder / PREDICTIONS).is_file():
        return
    stored = pd.read_csv(folder / PREDICTIONS, dtype={"id": str})
    stored = stored.iloc[np.unique(np.linspace(0, len(stored) - 1, COMPARED).astype(int))] if len(stored) else stored
    row_of = {one: row for row, one in enumerate(recording.table["id"].astype(str))}
    stored = stored[stored["id"].isin(row_of)]
    if stored.empty:
        return
    rows = np.array([row_of[one] for one in stored["id"]], np.int64)
    found = prediction_table(recording, rows, predict(model, recording, rows))
    numbers = found.select_dtypes("number").columns.astype(str)
    columns = [one for one in numbers if one.startswith(("prediction", "probability_"))]
    before = stored[columns].to_numpy(np.float64)
    apart = float(np.abs(before - found[columns].to_numpy()).max()) if columns else 0.0
    if not apart <= allowed(before):
        raise InputError(
            f"{name_of(card.architecture)} predicts something else than when it was trained (up to {apart:.3g} apart from "
            f"{folder / PREDICTIONS}): the class, or the recording, was edited. Train again with --force, or undo the edit."
        )


def require_own(card: ModelCard, recording: Recording, folder: Path) -> None:
    """A teacher of the user's class, with its trained weights, is on real samples what the user's own module is with them.
    Raises InputError where it is not."""
    reference = card.architecture.get("import")
    if reference is None:
        return
    told = card.architecture
    own, parted = own_and_parted(reference, told["args"], recording.spec, call=Call.of(told, settled=True))
    parted.load_state_dict(read_weights(folder / WEIGHTS_FILE))  # which are own's, too
    require_same(reference, own, parted, real_batches(recording))
