"""Where teacher and student correspond: behind the linear layers that follow each other."""

import numpy as np
import torch
from torch import fx, nn

from xgaze.capacity.codes import Codes
from xgaze.capacity.similarity import linear_cka
from xgaze.explanation.embedding.meeting_point import at_linear_end, linear_end


class Model(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        names = ("embedding", "hidden", "act", "gaze")
        self.head = nn.Sequential()
        for name, layer in zip(names, layers, strict=False):
            self.head.add_module(name, layer)


def codes(values):
    n = len(values)
    return Codes(
        [str(k) for k in range(n)], np.array(["p"] * n), values.astype(np.float32), np.zeros((n, 2), np.float32)
    )


def test_linear_layers_are_followed_up_to_the_first_bend():
    assert (
        linear_end(Model(nn.Linear(9, 4), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), "head.embedding")
        == "head.hidden"
    )
    assert (
        linear_end(Model(nn.Linear(9, 3), nn.Identity(), nn.ReLU(), nn.Linear(3, 2)), "head.embedding")
        == "head.embedding"
    )
    assert linear_end(Model(nn.Linear(9, 3), nn.Tanh(), nn.Linear(3, 2)), "head.embedding") == "head.embedding"
    pair = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 3))
    assert linear_end(Model(nn.Linear(9, 4), pair, nn.ReLU()), "head.embedding") == "head.hidden"


def test_a_graph_that_calls_functions_is_not_taken_for_linear():
    class Bent(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(torch.relu(x))

    traced = fx.symbolic_trace(Bent())
    assert linear_end(Model(nn.Linear(9, 4), traced), "head.embedding") == "head.embedding"


def test_a_layer_outside_a_sequence_stands_alone():
    model = nn.Module()
    model.fc = nn.Linear(3, 2)
    assert linear_end(model, "fc") == "fc"
    found = at_linear_end(model, "fc", codes(np.eye(2)))
    assert np.array_equal(found.embedding, np.eye(2))


def test_a_folded_student_is_wholly_like_its_teacher():
    torch.manual_seed(0)
    first, second = nn.Linear(9, 6), nn.Linear(6, 3)
    folded = nn.Linear(9, 3)
    with torch.no_grad():
        folded.weight.copy_(second.weight @ first.weight)
        folded.bias.copy_(second.weight @ first.bias + second.bias)
        features = torch.randn(80, 9)
        here, there = codes(first(features).numpy()), codes(folded(features).numpy())
    teacher, student = Model(first, second, nn.ReLU()), Model(folded, nn.Identity(), nn.ReLU())
    ends = at_linear_end(teacher, "head.embedding", here), at_linear_end(student, "head.embedding", there)
    assert np.allclose(ends[0].embedding, ends[1].embedding, atol=1e-5)
    assert linear_cka(ends[0].embedding, ends[1].embedding, here.ids, there.ids) > 0.9999
    assert linear_cka(here.embedding, there.embedding, here.ids, there.ids) < 0.95
