"""How fast this machine trains: one step of a model from end to end, and one of its head on cached embeddings, timed."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, rows_of
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Training
from xgaze.training.fit import resolve_precision
from xgaze.training.lightning.devices import device_of
from xgaze.training.losses import loss_of
from xgaze.training.task import layout_of, make_optimiser

TIMED = 2
FORWARD = 1 / 3
"""Of a training step: what a forward takes; the gradients of inputs and of weights take about as long each."""


@dataclass(frozen=True)
class Pace:
    """Seconds. whole: a training step with one batch of the recipe, 0 where nobody asked; head: one of the head, with a batch of
    cached embeddings; forward: of the towers, with a batch of the recipe in float32, as models are scored."""

    whole_s: float
    head_s: float
    forward_s: float = 0.0

    def epoch_s(self, steps: int, validation_batches: float) -> float:
        """One epoch from end to end, its validation with it, counted in batches of training."""
        return self.whole_s * (steps + FORWARD * validation_batches)


def measured_pace(
    model: FeatureHead, recording: Recording, training: Training, head_batch: int, head_only: bool = False
) -> Pace:
    """Of a copy of `model`, in the precision and on the device in which it would be trained, but as if it were evaluated: that is
    as dear, and draws no chance. Takes three steps of each."""
    device = torch.device(device_of(training))
    layout = layout_of(model, training)
    model = copy.deepcopy(model).to(device=device, memory_format=layout)  # type: ignore[call-overload]
    rows = rows_of(recording, "train")[: training.batch_size]
    batch = next(iter(ordered_batches(recording, rows, len(rows)))).to(device, layout)
    loss, half = loss_of(training.loss, recording.spec), resolve_precision(training)
    again = torch.arange(head_batch) % len(rows)
    start = time.perf_counter()
    with torch.no_grad():
        features = model.eval().features(*(x.clone() for x in batch.inputs)).float()[again]
    forward_s = time.perf_counter() - start
    targets = batch.target[again]

    def whole() -> Tensor:
        kind = torch.float16 if half.startswith("16") else torch.bfloat16
        with torch.autocast(device.type, kind, enabled=half != "32-true"):
            outputs = model(*(x.clone() for x in batch.inputs))
        return loss(outputs.float(), batch.target)

    head_s = _step_s(model.head, lambda: loss(model.head(features), targets), training)
    return Pace(0.0 if head_only else _step_s(model, whole, training), head_s, forward_s)


def _step_s(model: nn.Module, forward: Callable[[], Tensor], training: Training) -> float:
    """Seconds of a step: the fastest of some, the first left out, since it warms up. None for what does not learn."""
    if not any(one.requires_grad for one in model.parameters()):
        return 0.0
    optimiser = make_optimiser(model, training)
    taken = []
    for _ in range(1 + TIMED):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = forward()
        loss.backward()
        optimiser.step()
        float(loss.detach())  # waits for a GPU
        taken.append(time.perf_counter() - start)
    return min(taken[1:])
