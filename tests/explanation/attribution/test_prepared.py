"""The copy that is analysed is the model itself, or the model is not explained."""

import pytest
import torch
from torch import nn

from xgaze.errors import InputError
from xgaze.explanation.attribution.prepared import analysis_copy, require_same_copy


class Shortcut(nn.Module):
    """x + relu(x), or, where the activation works in place, 2 relu(x)."""

    def __init__(self, inplace):
        super().__init__()
        self.relu = nn.ReLU(inplace)

    def forward(self, left, right):
        x = (left - right).mean(dim=(1, 2))
        return x + self.relu(x)


def test_a_shortcut_that_reads_what_an_activation_overwrites_is_refused(gaze_recording):
    require_same_copy(Shortcut(inplace=False), gaze_recording, "teacher")
    with pytest.raises(
        InputError, match=r"the teacher cannot be explained: without work in place it is another function"
    ):
        require_same_copy(Shortcut(inplace=True), gaze_recording, "teacher")


def test_the_copy_is_frozen_and_the_model_stays_as_it_was():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(inplace=True)).double()
    copied = analysis_copy(model)
    assert not copied.training and model.training and model[1].inplace and not copied[1].inplace
    assert {one.dtype for one in copied.parameters()} == {torch.float32}
    assert not any(one.requires_grad for one in copied.parameters())
