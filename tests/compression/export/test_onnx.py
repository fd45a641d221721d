"""ONNX files: what the model computes, and little else."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from xgaze.compression.export import onnx as exporting
from xgaze.compression.export.onnx import export_checked, export_onnx, measure_latency_ms, onnx_parity, open_session
from xgaze.compression.export.slim import slimmest
from xgaze.compression.student import load_model
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import InputSpec, Spec, collate


def sizes(file):
    return {one.name: int(np.prod(one.dims)) for one in onnx.load(file).graph.initializer}


def test_the_exported_file_holds_weights_and_little_else(thin_student, exported):
    """No stack traces, no written-out separable filters: 4 bytes a parameter and 8 kB."""
    parameters = sum(p.numel() for p in thin_student.parameters())
    stored = onnx.load(exported)
    assert exported.stat().st_size < 4 * parameters + 8_000
    assert b"stack_trace" not in exported.read_bytes() and b"/xgaze/" not in exported.read_bytes()
    assert len(stored.graph.value_info) == 0
    assert sum(sizes(exported).values()) < parameters + 20


def test_the_exported_file_computes_what_the_model_does(thin_student, exported, gaze_recording):
    batch = next(ordered_batches(gaze_recording, np.arange(8)))
    assert onnx_parity(thin_student, open_session(exported), batch.inputs) < 1e-5


def test_slimming_stores_equal_constants_once_and_keeps_inputs_and_outputs(exported):
    model = onnx.load(exported)
    twins = [numpy_helper.from_array(np.arange(3.0), name) for name in ("twin", "sibling")]
    before = len(model.graph.initializer)
    model.graph.initializer.extend(twins)
    model.graph.node[0].name = "a name"
    slimmest(model)
    contents = [(one.data_type, tuple(one.dims), one.raw_data) for one in model.graph.initializer]
    assert len(set(contents)) == len(contents) <= before + 1
    assert [one.name for one in model.graph.input] == ["eye0", "eye1"]
    assert [one.name for one in model.graph.output] == ["output"]
    assert not any(node.name for node in model.graph.node)
    onnx.checker.check_model(model, full_check=True)


def test_latency_is_measured_per_sample(tmp_path, gaze_recording, run):
    _, folder, _ = run
    model, _ = load_model(folder / "student")
    export_onnx(model, gaze_recording.spec, tmp_path / "m.onnx")
    session = open_session(tmp_path / "m.onnx")
    inputs = collate([gaze_recording[0]], gaze_recording.spec).inputs
    latency = measure_latency_ms(session, inputs, repeats=20)
    assert 0 < latency.median <= latency.p95
    assert onnx_parity(model, session, inputs) <= 1e-5


@pytest.fixture
def small():
    torch.manual_seed(0)
    return nn.Linear(3, 2), Spec((InputSpec("x", (3,)),), "value"), (torch.randn(4, 3),)


class Tied(nn.Module):
    """Two layers of one weight, a view of which is a buffer, with a count that is no float."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("row", self.first.weight.detach()[0])
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        return self.second(torch.relu(self.first(x)) + self.row) * self.count


def test_tied_weights_are_exported_and_known_again(small, tmp_path, monkeypatch):
    _, spec, inputs = small
    torch.manual_seed(0)
    model = Tied()
    first = export_checked(model, spec, tmp_path / "m.onnx", inputs)
    assert first.parity < 1e-5
    monkeypatch.setattr(exporting, "export_onnx", lambda *_: pytest.fail("exported again"))
    assert export_checked(model, spec, tmp_path / "m.onnx", inputs) == first


def test_what_was_exported_of_the_same_weights_is_not_exported_again(small, tmp_path, monkeypatch):
    model, spec, inputs = small
    first = export_checked(model, spec, tmp_path / "m.onnx", inputs)
    monkeypatch.setattr(exporting, "export_onnx", lambda *_: pytest.fail("exported again"))
    assert export_checked(model, spec, tmp_path / "m.onnx", inputs) == first


@pytest.mark.parametrize("change", ["weights", "code", "spec", "file", "answers"])
def test_what_is_of_other_weights_or_code_or_damaged_is_exported_again(small, tmp_path, monkeypatch, change):
    model, spec, inputs = small
    file = tmp_path / "m.onnx"
    export_checked(model, spec, file, inputs)
    if change == "weights":
        nn.init.normal_(model.bias, std=1e-6)  # too little for the outputs to tell
    elif change == "code":
        monkeypatch.setattr(exporting, "source_hash", lambda: "other")
    elif change == "spec":
        spec = replace(spec, inputs=(replace(spec.inputs[0], std=2.0),))
    elif change == "file":
        file.write_bytes(file.read_bytes()[:50])
    else:
        model.forward = lambda x: nn.Linear.forward(model, 2 * x)
    made = []
    export = exporting.export_onnx
    monkeypatch.setattr(exporting, "export_onnx", lambda *rest: (made.append(rest), export(*rest)))
    assert export_checked(model, spec, file, inputs).parity < 1e-5
    assert made
