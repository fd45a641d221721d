"""What a model says of a split's people, and what its head's last layer reads meanwhile."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.calibration.gain import Seen
from xgaze.calibration.plane import Plane
from xgaze.calibration.points import draw_points
from xgaze.capacity.embeddings import captured
from xgaze.data.batches import device_of, ordered_batches
from xgaze.data.contract import Recording, participants_of, targets_of
from xgaze.errors import InputError
from xgaze.progress import Advance


@torch.inference_mode()
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
    model.eval()
    device, outputs, head = device_of(model), [], []
    with captured(model, last_linear(model), "input") as passing:
        for batch in ordered_batches(recording, rows):
            outputs.append(model(*batch.to(device).inputs).double().cpu().numpy())
            head.append(passing.pop().double().cpu().numpy())
            passing.clear()
            if advance:
                advance(sum(map(len, outputs)), len(rows))
    said = plane.placed(np.concatenate(outputs))
    return Seen(said, _one_each(head, len(rows)), plane.placed(targets), draws, plane)


def last_linear(model: nn.Module) -> str:
    """Path of the last linear layer. Raises InputError for a model without one."""
    paths: list[str] = [path for path, one in model.named_modules() if isinstance(one, nn.Linear)]
    if not paths:
        raise InputError("the model has no linear layer whose inputs a calibration could read.")
    return paths[-1]


def _one_each(head: list[NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    found = np.concatenate(head)
    if len(found) != count:
        raise InputError(
            "the model's last linear layer does not read one line of numbers per sample: no map can read it."
        )
    return found
