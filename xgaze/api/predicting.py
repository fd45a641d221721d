"""What a stored model says of a recording: predictions, sample by sample."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.api.outcomes import Told
from xgaze.api.runs import python_words
from xgaze.api.stored_model import StoredModel, load
from xgaze.api.teaching import data_of
from xgaze.calibration.maps import PersonalMap, read_personal_map, require_one_person, require_same_target
from xgaze.calibration.seen import outputs_and_head
from xgaze.compression.student import trained_on
from xgaze.data.contract import Recording
from xgaze.data.open import as_trained, open_for_prediction
from xgaze.evaluation.predictions import prediction_table
from xgaze.models.inference import predict as run_model
from xgaze.progress import Advance, progress_bar

if TYPE_CHECKING:
    from xgaze.api.opening import OpenRecording
    from xgaze.data.sources.arrays import ArrayRecording


@dataclass(frozen=True, repr=False, eq=False)
class Predictions(Told):
    """What a model says of a recording. table: one line per sample, with truth and error where they are known; notes: what
    reading left out."""

    table: pd.DataFrame
    notes: tuple[str, ...]

    def title(self) -> str:
        return f"Predictions of {len(self.table):,} samples"

    def rows(self) -> list[tuple[str, str]]:
        return [("columns", ", ".join(self.table.columns)), *(("left out", one) for one in self.notes)]


def predict(
    model: "StoredModel | str | Path",
    data: "OpenRecording | ArrayRecording | str | Path",
    *,
    calibrate: str | Path | None = None,
    trust_import: bool = False,
) -> Predictions:
    """Predict on every sample of a recording.

    model: the `model` of a teacher, the `student` of what `xgaze.distill` returned, what `xgaze.load` gives, or its folder.
    data: what `xgaze.open` or `xgaze.ArrayRecording` give; or a data definition (YAML), or files in the format that the model was
    trained on, whose labels may be missing. calibrate: the file of a person's map, written by the command of that name; data are
    then of this person alone. Of arrays without people or labels, `model.predict(arrays)` gives the numbers alone.

    Raises InputError, also for inputs that are not the model's.
    """
    with python_words():
        return predictions(model, data, None if calibrate is None else Path(calibrate), trust_import)


def predictions(model: Any, data: Any, calibrate: Path | None = None, trust_import: bool = False) -> Predictions:
    """The same, with the words of the command."""
    folder = model.folder if isinstance(model, StoredModel) else Path(model)
    own = read_personal_map(calibrate, folder) if calibrate else None
    network, recording = asked_of(model, data, trust_import)
    if own is not None and calibrate is not None:
        require_same_target(own, network.spec, calibrate)
        require_one_person(recording, Path(str(data)))
    rows = np.arange(len(recording.table))
    with progress_bar("predicting") as advance:
        outputs = _outputs(network, recording, own, advance, str(folder))
    return Predictions(prediction_table(recording, rows, outputs), tuple(recording.notes))


def _outputs(
    network: StoredModel, recording: Recording, own: PersonalMap | None, advance: Advance, name: str
) -> NDArray[np.floating]:
    """Of all samples (n, outputs), calibrated where there is a map."""
    rows = np.arange(len(recording.table))
    if own is not None and own.directions is not None:
        return own(*outputs_and_head(network.net, recording, rows, advance, name))
    outputs = run_model(network.net, recording, rows, advance=advance, name=name)
    return outputs if own is None else own(outputs)


def asked_of(model: Any, data: Any, trust_import: bool) -> tuple[StoredModel, Recording]:
    """A model, and a recording that it can read."""
    network = model if isinstance(model, StoredModel) else load(model, trust_import)
    if not isinstance(data, str | Path):
        return network, as_trained(data_of(data), network.spec, "data")
    trained = trained_on(network.folder, network.card)
    return network, open_for_prediction(Path(data), network.spec, trained)
