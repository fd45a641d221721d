"""What is known of a search before any training: what capacity and sensitivity of the teacher's layers let expect, and about how
long it will take."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.capacity.layer_capacity import LayerCapacity, layer_capacity
from xgaze.capacity.sensitivity import SensitivityPoint, channel_sensitivity, least_kept, rank_sensitivity
from xgaze.compression.couplings.tracing import making_layers
from xgaze.compression.head import rows_read, tail_reading
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.candidates import Candidates, epochs_ahead, wholes_ahead
from xgaze.compression.search.smallest import head_plans, heads_tuned
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.evaluation.score import OF_SPREAD, POINTS, sample_errors
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_macs
from xgaze.training.pace import Pace
from xgaze.training.tuning import HEAD_BATCH_SIZE

FRAMES = 96
SCORED = 6
"""Models that test participants see in the end: teacher, control, student and its twin from labels alone, both ONNX files."""
SHARES = (1.0, 0.5, 0.25)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def sensitivity_curves(bench: Bench, folded: FeatureHead, capacity: LayerCapacity) -> list[dict[str, Any]]:
    """Points {layer, kept_share, kept, error}: ranks of the folded first FC layer, and where channels may go, those of every
    convolution. The error is in px, or 1 - probability of the true class."""
    chosen = np.linspace(0, len(bench.validation) - 1, min(FRAMES, len(bench.validation))).astype(int)
    rows = rows_of(bench.recording, "validation")[chosen]

    def score(outputs: NDArray[np.float32]) -> float:
        return float(sample_errors(bench.recording.spec, outputs, bench.validation.targets[chosen]).mean())

    points = []
    if bench.recipe.distill.cuts_towers:
        batches = [batch.inputs for batch in ordered_batches(bench.recording, rows)]
        layers = _running(bench.teacher, making_layers(bench.teacher, CONVOLUTIONS), batches[0])
        points = channel_sensitivity(bench.teacher, layers, batches, score, SHARES)
    linear = folded.get_submodule(bench.layer)
    assert isinstance(linear, nn.Linear)
    most = min(capacity.in_features, capacity.out_features)
    ranks = sorted({min(most, k) for k in (1, 2, 3, 4, 6, 8, 12, 16, 32)})
    features = torch.tensor(bench.validation.values[chosen])
    read, tail = rows_read(folded, bench.layer, features), tail_reading(folded, bench.layer, features)
    points += rank_sensitivity(bench.layer, linear, tail, read.numpy(), score, ranks)
    return [one.to_json() for one in points]


def capacity_of(bench: Bench, folded: FeatureHead) -> LayerCapacity:
    """How much of the folded first FC layer is used."""
    linear = folded.get_submodule(bench.layer)
    assert isinstance(linear, nn.Linear)
    features = bench.probe(bench.teacher).features
    rows, tail = rows_read(folded, bench.layer, features), tail_reading(folded, bench.layer, features)
    return layer_capacity(bench.layer, linear, tail, rows.numpy())


def expectation(
    capacity: LayerCapacity, curves: Sequence[dict[str, Any]], most_worse: float, unit: str, spread: float | None = None
) -> str:
    """What capacity says before anything is trained: rank of the first FC layer, and width of the towers.

    unit, spread: of the budget, see `Judge`. The curves of classes are of the probability missed.
    """
    channels = [SensitivityPoint(**one) for one in curves if one["layer"] != capacity.layer]
    have = {one.layer: max(each.kept for each in channels if each.layer == one.layer) for one in channels}
    kept = least_kept(channels, most_worse, 1.0 if unit == POINTS else spread)
    what = {POINTS: "probability of the true class", OF_SPREAD: "disagreement"}.get(unit, "error")
    within = f"{what} within {most_worse:g} {unit}"
    width = (
        f" Of {sum(have.values())} channels, {sum(kept.values())} keep the {within} where one layer at a time is cut and nothing "
        "is trained."
    )
    return (
        f"Before training: '{capacity.layer}' ({capacity.in_features:,} -> {capacity.out_features}) needs about rank "
        f"{capacity.expected_rank} (99 % of its Jacobian-weighted covariance); {capacity.components_99['prediction']} "
        f"components of its output give 99 % of the prediction.{width if channels else ''}"
    )


@dataclass(frozen=True)
class Ahead:
    """How long a search will take, one trial at a time. heads_s: of all heads; quick_s: with effort quick; epoch_s: of the
    teacher, end to end; epochs: (epochs of the control) -> those of all that is tuned end to end; scoring_s: of what was found,
    on test participants and in 8 bits, which quick_s holds too."""

    heads_s: float
    quick_s: float
    epoch_s: float
    epochs: Callable[[int], float]
    scoring_s: float = 0.0

    def seconds(self, own: int) -> float:
        return self.heads_s + self.epoch_s * self.epochs(own) + self.scoring_s

    def in_words(self, own: int) -> str:
        told = f"The whole search takes about {rough_time(self.seconds(own))} here at most, one trial at a time"
        return (
            f"{told}; --effort quick would take about {rough_time(self.quick_s)}." if self.epochs(own) else f"{told}."
        )

    def epochs_within(self, minutes: float, most: int) -> int:
        """The most epochs of the control, up to `most`, with which the search takes no longer. Raises InputError where not even
        one does."""
        fitting = [own for own in range(1, most + 1) if self.seconds(own) <= 60 * minutes]
        if not fitting:
            raise InputError(
                f"distill.minutes: {minutes:g} are too few: with one epoch for the control and as few for students the search "
                f"takes about {rough_time(self.seconds(1))} here. Give more, or go with --effort quick "
                f"(about {rough_time(self.quick_s)})."
            )
        return fitting[-1]


def what_is_ahead(bench: Bench, capacity: LayerCapacity, tried: Candidates, pace: Pace) -> Ahead:
    """Of this search at this pace."""
    wanted, recipe = bench.recipe.distill, bench.recipe
    quick = wanted.model_copy(update={"effort": "quick"})
    batch = recipe.training.batch_size
    unlabelled = 0 if bench.lesson.unlabelled is None else len(bench.lesson.unlabelled.table)
    labelled = len(rows_of(bench.recording, "train"))
    macs = count_macs(bench.teacher, bench.recording.spec)
    head_steps = recipe.training.head_epochs * math.ceil(labelled / HEAD_BATCH_SIZE) * wholes_ahead(recipe, tried)
    scoring_s = pace.forward_s * SCORED * math.ceil(len(rows_of(bench.recording, "test")) / batch)
    return Ahead(
        heads_s(pace, bench, heads_tuned(tried.heads, wanted)) + pace.head_s * head_steps,
        heads_s(pace, bench, heads_tuned(head_plans(capacity, bench.teacher, quick), quick)) + scoring_s,
        pace.epoch_s(math.ceil((labelled + unlabelled) / batch), len(bench.validation) / batch),
        lambda own: epochs_ahead(recipe, tried, macs, own),
        scoring_s,
    )


def heads_s(pace: Pace, bench: Bench, trials: int) -> float:
    """Of so many heads, their control, the one from labels alone and those of other seeds, each tuned on cached embeddings."""
    wanted = bench.recipe.distill
    others = 1 + (wanted.teacher_weight > 0) + 2 * (wanted.seeds - 1)
    return pace.head_s * math.ceil(len(bench.train) / wanted.batch_size) * wanted.tuning_epochs * (trials + others)


def rough_time(seconds: float) -> str:
    """As one says it: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _running(model: FeatureHead, layers: list[str], inputs: tuple[Tensor, ...]) -> list[str]:
    """Those of the layers that run when the model is used: auxiliary classifiers, as GoogLeNet's, do so in training only."""
    seen: set[nn.Module] = set()
    handles = [model.get_submodule(name).register_forward_hook(lambda module, *_: seen.add(module)) for name in layers]
    try:
        outputs_of(model, *(x[:1] for x in inputs))
    finally:
        for handle in handles:
            handle.remove()
    return [name for name in layers if model.get_submodule(name) in seen]
