"""Hints: projections, and how far a student's embedding is from the teacher's."""

import pytest
import torch
from torch import nn

from xgaze.errors import InputError
from xgaze.recipe.schema import Hint
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
