"""Hints: projections, and how far a student's embedding is from the teacher's."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.models.registry import build
from xgaze.recipe.student_sections import Hint
from xgaze.training.distillation import Lesson, distil_model
from xgaze.training.hints import HintLoss, aligned, listening


def test_projections_fit_widths_and_maps_that_match_position_by_position():
    student = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 5))
    teacher = nn.Sequential(nn.Conv2d(1, 7, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(252, 5))
    inputs = (torch.randn(16, 1, 8, 8),)
    loss = HintLoss(["0", "3", Hint(teacher="0", student="3")], student, teacher, inputs, 0)
    shapes = [tuple(one.weight.shape) if isinstance(one, nn.Linear) else None for one in loss.projections]
    assert shapes == [(7, 3), None, (252, 5)]
    assert {name.split(".")[0] for name, _ in loss.named_parameters()} == {"projections"}
    own, wanted = aligned(torch.zeros(2, 3, 6, 6), torch.zeros(2, 7, 6, 6))
    assert own.shape == (72, 3) and wanted.shape == (72, 7)


def test_a_student_like_the_teacher_lacks_nothing_and_one_that_knows_nothing_lacks_the_variance():
    torch.manual_seed(0)
    teacher, student = (nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(inplace=True)) for _ in range(2))
    inputs = (torch.randn(64, 4),)
    student.load_state_dict(teacher.state_dict())
    loss = HintLoss(["0"], student, teacher, inputs, 0)

    def lacks():
        with listening(student, loss.student_paths, "student") as hear:
            return loss(inputs, hear(inputs)[1])

    assert lacks().item() == 0
    nn.init.zeros_(student[0].weight)
    embedding = teacher[0](inputs[0])
    expected = embedding.square().mean() / embedding.var(dim=0, unbiased=False).mean()
    found = lacks()
    torch.testing.assert_close(found, expected)
    found.backward()
    assert student[0].weight.grad.abs().sum() > 0 and teacher[0].weight.grad is None


def test_an_embedding_that_never_varies_is_no_hint():
    teacher = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    nn.init.zeros_(teacher[0].weight)
    with pytest.raises(InputError, match="'0' puts out never varies"):
        HintLoss(["0"], teacher, teacher, (torch.randn(8, 4),), 0)


def small_model(recording, recipe):
    torch.manual_seed(3)
    return build(recipe.model.name, recipe.model.args, recording.spec)


def test_hints_leave_no_trace_in_student_and_teacher(tmp_path, gaze_recording, make_recipe):
    recipe = make_recipe(training={"epochs": 2, "batch_size": 12, "precision": "32-true", "loss": "euclidean"})
    teacher = small_model(gaze_recording, recipe)
    student = build("multi-eye", {**recipe.model.args, "embedding": 16}, gaze_recording.spec)
    names, before = list(student.state_dict()), [p.clone() for p in teacher.parameters()]
    lesson = Lesson(predict(teacher, gaze_recording, rows_of(gaze_recording, "train")))
    teacher.train()
    hints = ["towers.0.conv5", Hint(teacher="head.embedding", student="head.embedding")]
    hinted = {"hints": hints, "hint_weight": 1.0, "teacher": teacher}
    distil_model(student, lesson, gaze_recording, recipe.training, tmp_path, 0, "distilling", **hinted)
    assert list(student.state_dict()) == names and teacher.training
    assert all(torch.equal(one, other) for one, other in zip(before, teacher.parameters(), strict=True))
    assert not any(module._forward_hooks for model in (student, teacher) for module in model.modules())


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        ("towers.0.conv9", "the teacher has no module 'towers.0.conv9'; did you mean 'towers.0.conv5'"),
        (Hint(teacher="head", student="heads"), "the student has no module 'heads'; did you mean 'head'"),
        (Hint(teacher="towers", student="head"), "module 'towers' is not used when the model runs"),
    ],
)
def test_a_hint_that_names_no_module_is_refused(tmp_path, gaze_recording, make_recipe, hint, message):
    recipe = make_recipe()
    model = small_model(gaze_recording, recipe)
    lesson = Lesson(np.zeros((72, 2), np.float32))
    hinted = {"hints": [hint], "hint_weight": 1, "teacher": model}
    with pytest.raises(InputError, match=message):
        distil_model(model, lesson, gaze_recording, recipe.training, tmp_path, 0, "x", **hinted)
