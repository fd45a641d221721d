"""The script that lies beside a student's model.onnx, called as a function."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import xgaze.compression.export
from xgaze.compression.export.onnx import export_onnx
from xgaze.data.contract import InputSpec, Spec

SCRIPT = Path(xgaze.compression.export.__file__).with_name("predict_alone.py")
FACE = InputSpec("face", (3, 4, 5), (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
HEAD = InputSpec("head", (3,), (0.1, 0.2, 0.3), (1.0, 2.0, 4.0), "float32")


class Sums(nn.Module):
    """The sums of each channel, and the numbers."""

    def forward(self, *given):
        face, head = given
        return torch.cat([face.sum((2, 3)), head], 1)


def test_it_normalises_each_channel_by_its_own_mean_and_std(tmp_path):
    export_onnx(Sums(), Spec((FACE, HEAD), "value", unit="mm"), tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    face, head = rng.integers(0, 256, (4, 3, 4, 5)).astype(np.uint8), rng.normal(size=(4, 3)).astype(np.float32)
    found = runpy.run_path(str(SCRIPT))["predict"]({"face": face, "head": head}, tmp_path / "model.onnx")
    expected = (face.sum((2, 3)) - 20 * np.array(FACE.mean)) / FACE.std
    np.testing.assert_allclose(found[:, :3], expected, atol=1e-3)
    np.testing.assert_allclose(found[:, 3:], (head - HEAD.mean) / HEAD.std, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("one", [InputSpec("face", (3, 4, 5), 40.0, 60.0), FACE, HEAD])
def test_its_numbers_are_laid_out_as_those_of_the_package(one):
    laid_out = runpy.run_path(str(SCRIPT))["laid_out"]
    stored = Spec((one,), "value").to_json()["inputs"][0]
    np.testing.assert_array_equal(laid_out(stored, "mean"), one.shift)
    np.testing.assert_array_equal(laid_out(stored, "std"), one.scale)
