"""Which nodes of an 8-bit file compute in floats: known graphs."""

import torch
from torch import nn

from xgaze.compression.export.computed_in_floats import ALL, FORMS, first_steps, float_nodes, last_steps


def graph_of(module, *shapes):
    program = torch.onnx.export(
        module.eval(), tuple(torch.zeros(2, *one) for one in shapes), dynamo=True, verbose=False
    )
    return program.model_proto.graph


def kinds(graph, names):
    return [node.op_type for node in graph.node if node.name in names]


class TwoTowers(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = (
            nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)
            )
            for _ in range(2)
        )
        self.head = nn.Sequential(nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x, y):
        return self.head(torch.cat([self.one(x).flatten(1), self.other(y).flatten(1)], 1))


def test_floats_begin_at_the_last_matrix_product():
    graph = graph_of(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2), nn.Sigmoid()), (6,))
    assert kinds(graph, float_nodes(graph)) == ["Gemm", "Sigmoid"]
    assert len([node for node in graph.node if node.op_type == "Gemm"]) == 2


def test_the_first_steps_end_before_the_second_convolution_of_every_tower():
    graph = graph_of(TwoTowers(), (1, 12, 12), (1, 12, 12))
    assert sorted(kinds(graph, first_steps(graph))) == sorted(["Conv", "LeakyRelu", "MaxPool"] * 2)


def test_the_last_steps_begin_at_the_last_convolution_of_every_tower():
    graph = graph_of(TwoTowers(), (1, 12, 12), (1, 12, 12))
    found = kinds(graph, last_steps(graph))
    assert found.count("Conv") == 2 and found.count("Gemm") == 2 and found.count("Concat") == 1
    assert "MaxPool" not in found and found.count("Relu") == 1


def test_each_form_computes_in_floats_what_must_be_and_more_than_the_one_before():
    graph = graph_of(TwoTowers(), (1, 12, 12), (1, 12, 12))
    excluded = [form.excluded(graph) for form in FORMS]
    assert FORMS[0] is ALL and excluded[0] == float_nodes(graph)
    assert excluded[0] < excluded[1] < excluded[2] and len(excluded[2]) < len(graph.node)
