"""Every model of scanpaths leaves as ONNX, with a free batch size and the numbers of torch."""

import pytest
import torch

from xgaze.compression.export.onnx import export_onnx, onnx_parity, open_session
from xgaze.data.contract import InputSpec, Spec
from xgaze.models.registry import build


def plain(name, *shape):
    return InputSpec(name, shape, 0.0, 1.0, "float32")


IMAGE, SEQUENCE, LENGTH = InputSpec("image", (1, 16, 20)), plain("sequence", 5, 3), plain("length", 1)
GRAPH = (plain("nodes", 9, 5), plain("edges", 9, 9), plain("visited", 9))
ALL_BLOCKS = [
    {"type": "vgg", "channels": 4},
    {"type": "resnet", "channels": 4, "stride": 2},
    {"type": "inception", "channels": 8},
    {"type": "max-pool"},
    {"type": "dsc", "channels": 4},
]
TINY = {"blocks": ALL_BLOCKS[:1], "width": 8, "units": 4, "layers": 1}
CASES = {
    "cnn": ("scanpath-cnn", {"blocks": ALL_BLOCKS, "hidden": [6]}, (IMAGE,)),
    "lstm": ("scanpath-rnn", {"units": 4, "layers": 1, "bidirectional": True}, (SEQUENCE, LENGTH)),
    "vitnet, gru": ("vitnet", {**TINY, "fusion": "add", "cell": "gru"}, (IMAGE, SEQUENCE, LENGTH)),
    "attention, rnn": (
        "vitnet",
        {**TINY, "cross_attention": True, "heads": 2, "cell": "rnn"},
        (IMAGE, SEQUENCE, LENGTH),
    ),
    "gcn": ("scanpath-gnn", {"units": [4]}, GRAPH),
    "gin": ("scanpath-gnn", {"units": [4], "convolution": "gin"}, GRAPH),
}


def drawn(spec, samples):
    torch.manual_seed(1)
    inputs = {one.name: torch.rand(samples, *one.shape) for one in spec.inputs}
    if "length" in inputs:
        inputs["length"] = torch.tensor([5.0, 1, 3, 2])[:samples, None]
    if "visited" in inputs:
        inputs["visited"] = inputs["visited"].round()
    return list(inputs.values())


@pytest.mark.parametrize("case", CASES)
def test_the_exported_model_is_the_model(case, tmp_path):
    name, args, inputs = CASES[case]
    spec = Spec(inputs, "class", classes=("a", "b"))
    torch.manual_seed(0)
    model = build(name, args, spec).eval()
    export_onnx(model, spec, tmp_path / "m.onnx")
    session = open_session(tmp_path / "m.onnx")
    assert [one.name for one in session.get_inputs()] == [one.name for one in inputs]
    for samples in (1, 4):
        assert onnx_parity(model, session, drawn(spec, samples)) < 1e-5
