"""Where the embedding of a model is, and that all of the capacity section can be made of it."""

import json

import pytest
import torch
from torch import nn

from xgaze.capacity.importance import ForestSettings
from xgaze.compression.head import first_linear, tail_of
from xgaze.data.contract import collate, rows_of
from xgaze.explanation.embedding.capacity_report import CapacitySizes, explain_capacity
from xgaze.explanation.embedding.entrance import at_embedding
from xgaze.explanation.embedding.sweep_section import explain_embedding
from xgaze.models.registry import build
from xgaze.recipe import Explain

SMALL = CapacitySizes(24, 12, 1, 2, 4, 5, ForestSettings(3, 1, 10))
VITNET = {"width": 8, "units": 8, "layers": 1, "blocks": [{"type": "vgg", "channels": 4}]}
CASES = [
    ("sequence", "scanpath-rnn", {"units": 8, "layers": 1}, "head.entrance", 8),
    ("sequence", "scanpath-rnn", {"units": 8, "layers": 1, "hidden": (6,)}, "head.hidden1", 6),
    ("graph", "scanpath-gnn", {"units": (7,), "embedding": 4}, "head.entrance", 7),
    ("both", "vitnet", VITNET, "head.image", 16),
    ("both", "vitnet", {**VITNET, "fusion": "add"}, "head.sum", 8),
    ("both", "vitnet", {**VITNET, "cross_attention": True}, "head.attention", 16),
]


@pytest.mark.parametrize("kind", ["class", "value"])
@pytest.mark.parametrize(("what", "name", "args", "path", "width"), CASES)
def test_every_model_of_scanpaths_has_an_embedding_and_its_capacity(
    tmp_path, what, name, args, path, width, kind, scanpaths
):
    recording = scanpaths(what, kind)
    torch.manual_seed(0)
    models = {role: build(name, args, recording.spec).eval() for role in ("teacher", "student")}
    for model in models.values():
        nn.init.normal_(model.head.output.weight, std=2.0)
    seen, layer = at_embedding(models, first_linear(models["teacher"]))
    inputs = collate([recording[0]], recording.spec).inputs
    assert layer == path
    with torch.no_grad():
        assert all(torch.equal(seen[role](*inputs), model(*inputs)) for role, model in models.items())
    tail = tail_of(seen["teacher"], layer)
    found = explain_capacity(recording, seen, layer, tail, 0, sizes=SMALL)
    json.dumps(found, allow_nan=False)
    assert found["embedding"]["measures"]["variables"] == width
    assert {row["model"] for row in found["layers"]} == set(models)
    row = int(rows_of(recording, "test")[0])
    sweep = explain_embedding(recording, seen["teacher"], layer, tail, row, Explain(sweep_points=5), 0, tmp_path)
    assert sweep["unit"] == ("logits" if kind == "class" else "ms")
    assert len(sweep["variables"]) == min(10, width)
    assert sweep["variables"][0]["reach"] > 0


def test_the_models_themselves_stay_as_they_are(scanpaths):
    recording = scanpaths("sequence")
    model = build("scanpath-rnn", {"units": 4, "layers": 1}, recording.spec)
    names = [name for name, _ in model.named_modules()]
    at_embedding({"teacher": model}, "head.output")
    assert [name for name, _ in model.named_modules()] == names


def test_a_model_of_pictures_keeps_its_first_layer(class_recording):
    model = build("heatmap-cnn", {"channels": (4, 4)}, class_recording.spec)
    seen, layer = at_embedding({"teacher": model}, first_linear(model))
    assert layer == first_linear(model) and seen["teacher"] is model
