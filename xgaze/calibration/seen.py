"""What a model says of a split's people, and what its head's last layer reads meanwhile."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.calibration.gain import Seen
from xgaze.calibration.plane import Plane
from xgaze.calibration.points import draw_points
from xgaze.capacity.embeddings import captured
from xgaze.data.contract import Recording, participants_of, targets_of
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.progress import Advance


def see(
    model: nn.Module,
    recording: Recording,
    rows: NDArray[np.int64],
    most: int,
    times: int,
    seed: int,
    advance: Advance | None = None,
) -> Seen:
    """Predictions and head of the samples `rows`, with `times` drawings of `most` points per person: for one recording and seed
    the same whatever the model, so that models are compared on the same frames. Raises InputError as `draw_points` does."""
    targets, plane = targets_of(recording, rows), Plane.of(recording.spec, targets_of(recording))
    draws = draw_points(plane.in_steps(targets), participants_of(recording, rows).astype(str), most, times, seed)
    outputs, head = outputs_and_head(model, recording, rows, advance)
    return Seen(plane.placed(outputs), head, plane.placed(targets), draws, plane)


def outputs_and_head(
    model: nn.Module,
    recording: Recording,
    rows: NDArray[np.int64],
    advance: Advance | None = None,
    name: str = "the model",
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """What a model says of the samples `rows` (n, outputs), and what its last linear layer reads meanwhile (n, width). Raises
    InputError, also for a layer that does not read one line per sample."""
    with captured(model, last_linear(model), "input") as passing:
        outputs = predict(model, recording, rows, advance=advance, name=name)
    return outputs, _one_each(passing, len(rows))


def last_linear(model: nn.Module) -> str:
    """Path of the last linear layer. Raises InputError for a model without one."""
    paths: list[str] = [path for path, one in model.named_modules() if isinstance(one, nn.Linear)]
    if not paths:
        raise InputError("the model has no linear layer whose inputs a calibration could read.")
    return paths[-1]


def _one_each(head: list[Tensor], count: int) -> NDArray[np.float64]:
    found = np.concatenate([one.double().cpu().numpy() for one in head])
    if len(found) != count:
        raise InputError(
            "the model's last linear layer does not read one line of numbers per sample: no map can read it."
        )
    return found
