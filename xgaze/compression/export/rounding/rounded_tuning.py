"""Tune a model as its 8-bit file computes it, on what its own tuning learned from; validation people select among the epochs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from xgaze.compression.export.computed_in_floats import Form
from xgaze.compression.export.onnx import open_session, takes_at_once
from xgaze.compression.export.quantise import open_onnx, with_roundings
from xgaze.compression.export.rounding.rounded_network import RoundedNetwork
from xgaze.data.contract import Recording, rows_of
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.recipe import Recipe, Training
from xgaze.training.distillation import Lesson, distil_model
from xgaze.training.whole import end_to_end_settings

SHARE = 0.1
"""Of the rate at which whole students are tuned: what is rounded is all but learned."""


@dataclass(frozen=True)
class Lessons:
    """How a model is tuned as it computes in 8 bits: its lesson, the weights of the teacher's outputs and of unlabelled people in
    it, and the names of what learns."""

    lesson: Lesson
    settings: Training
    seed: int
    teacher_weight: float
    unlabelled_weight: float
    learned: frozenset[str]

    @property
    def epochs(self) -> int:
        return self.settings.epochs


Ask = Callable[[], Lessons | None]
"""The teacher is asked when something is tuned, not before."""


def lessons_of(
    recipe: Recipe, recording: Recording, model: nn.Module, teacher: nn.Module, lesson: Lesson | None = None
) -> Lessons | None:
    """What the recipe tunes whole students on, without its hints, which are about modules that an ONNX file does not have. None
    where it wants no tuning in 8 bits. lesson: where the teacher was asked already; it is asked now where that is of no use."""
    wanted = recipe.distill
    if not wanted.eight_bit_epochs:
        return None
    rows, weight = rows_of(recording, "train"), wanted.whole_teacher_weight
    if lesson is None or len(lesson.outputs) != len(rows):
        asked = (
            predict(teacher, recording, rows) if weight else np.zeros((len(rows), recording.spec.outputs), np.float32)
        )
        lesson = Lesson(asked) if lesson is None else replace(lesson, outputs=asked)
    settings = end_to_end_settings(recipe, wanted.eight_bit_epochs, SHARE * wanted.end_to_end_learning_rate)
    # Rounding in bfloat16 would be another one, and the network is made of functions: no layers that could be normalised.
    plain = {"precision": "32-true", "channels_last": False, "batch_norm": False, "devices": 1, "tensorboard": False}
    learned = frozenset(name for name, one in model.named_parameters() if one.requires_grad)
    return Lessons(lesson, settings.model_copy(update=plain), recipe.seed, weight, wanted.unlabelled_weight, learned)


def tune_rounded(
    source: Path, recording: Recording, rows: NDArray[np.int64], form: Form, lessons: Lessons, target: Path
) -> None:
    """Write the float model `source` to `target` with weights that lose less in 8 bits. rows: by which ranges are found.

    Raises InputError where it is not tuned, with the reason, or its tuning diverges."""
    if takes_at_once(open_session(source)) is not None:
        raise InputError("it takes one sample at a time")
    floats = open_onnx(source)
    rounded = with_roundings(source, recording, rows, form=form)
    network = RoundedNetwork(floats, rounded, [one.name for one in recording.spec.inputs], lessons.learned)
    if not any(True for _ in network.parameters()):
        raise InputError("nothing in it learns")
    with TemporaryDirectory() as folder:
        distil_model(
            network,
            lessons.lesson,
            recording,
            lessons.settings,
            Path(folder) / "tuning",
            lessons.seed,
            "tuning in 8 bits",
            teacher_weight=lessons.teacher_weight,
            unlabelled_weight=lessons.unlabelled_weight,
        )
    onnx.save(network.tuned(floats), target)
