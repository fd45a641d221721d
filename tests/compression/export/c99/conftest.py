"""Small nets as ONNX files, samples for them, and what runs their C."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from xgaze.compression.export import firmware
from xgaze.compression.export.c99.compiled import run_c
from xgaze.compression.export.onnx import export_onnx
from xgaze.compression.export.samples import Samples
from xgaze.data.contract import InputSpec, Spec

NETS = runpy.run_path(str(Path(__file__).parent / "nets.py"))
SPEC = Spec(tuple(InputSpec(name, (1, 12, 16), 40.0, 60.0) for name in ("left", "right")), "gaze", scene=(800, 600))


@pytest.fixture(scope="session")
def nets():
    return NETS


@pytest.fixture(scope="session")
def spec():
    return SPEC


@pytest.fixture(autouse=True)
def for_here_alone(monkeypatch):
    """Exports compile for no other processor: that is tested in test_fewer_tables.py."""
    monkeypatch.setattr(firmware, "footprints", lambda _: None)
    monkeypatch.setattr(firmware, "emulated", lambda *_: None)


@pytest.fixture
def proved(monkeypatch):
    """What the C of each export put out, which is compiled once, with sanitisers."""
    found = []

    def run(folder):
        found.append(run_c(folder, sanitised=True))
        return found[-1]

    monkeypatch.setattr(firmware, "run_c", run)
    return found


@pytest.fixture
def made(tmp_path):
    """(net, spec) -> the folder of its model.onnx, and samples with its outputs."""

    def make(net, spec=SPEC, count=100):
        torch.manual_seed(0)
        net = net.eval()
        export_onnx(net, spec, tmp_path / "model.onnx")
        return tmp_path, samples_of(net, spec, count)

    return make


@torch.inference_mode()
def samples_of(net, spec, count):
    rng = np.random.default_rng(0)
    stored = {one.name: drawn(rng, one, count) for one in spec.inputs}
    fed = Samples(stored, np.empty((0, 0))).fed(spec)
    return Samples(stored, torch.cat([net(*(x[k : k + 1] for x in fed)) for k in range(count)]).numpy())


def drawn(rng, one, count):
    """Smooth blobs on noise, as pictures are; or normal numbers."""
    if one.dtype != "uint8":
        return rng.normal(size=(count, *one.shape)).astype(np.float32)
    return rng.integers(0, 256, (count, *one.shape)).astype(np.uint8)


@pytest.fixture(scope="session")
def needs_gcc():
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
