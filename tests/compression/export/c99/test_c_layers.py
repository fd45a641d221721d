"""Every layer kind in C, with all warnings and sanitisers, on 100 samples: in single precision it equals torch, in 8 bits
its reference arithmetic to the bit, and comes near torch."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.firmware import export_float_c, export_int8_c
from xgaze.compression.export.onnx import export_onnx
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError

NETS = runpy.run_path(str(Path(__file__).parent / "nets.py"))
KINDS = {**NETS["LAYERS"], **NETS["FLOATS"], **NETS["ENDS"]}
OF_DEVIATION = 0.08
"""How far 8 bits may move outputs, root mean square, as a fraction of their standard deviation over the samples."""
pytestmark = pytest.mark.usefixtures("needs_gcc")


@pytest.fixture(autouse=True)
def the_same_weights_every_time():
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", KINDS)
def test_c_equals_torch(kind, made, spec, proved):
    folder, samples = made(KINDS[kind]())
    written = export_float_c(folder, spec, samples)
    found = proved[-1]
    assert found.shape == (100, 2)
    np.testing.assert_allclose(found, samples.outputs, atol=2e-6 * max(1, np.abs(samples.outputs).max()))
    assert np.ptp(samples.outputs, axis=0).min() > 1e-3
    assert written.apart == np.abs(found - samples.outputs).max()
    if kind in NETS["FLOATS"]:
        with pytest.raises(InputError, match=r"there is no C in 8 bits of layer .*give --bits 32"):
            export_int8_c(folder, spec, samples, samples)
        return
    written = export_int8_c(folder, spec, samples, samples)
    found = proved[-1]
    np.testing.assert_array_equal(found, run_reference(written.program, samples.stored))
    moved = np.sqrt(np.square(found - samples.outputs).mean(0)) / samples.outputs.std(0)
    assert moved.max() < OF_DEVIATION, moved


@pytest.mark.parametrize(
    "inputs",
    [
        (InputSpec("steps", (6, 3), (0.5, 1.0, -2.0), (1.0, 2.0, 0.5), "float32"),) * 1,
        (InputSpec("eye", (2, 4, 5)), InputSpec("head", (3,), 1.0, 2.0, "float32")),
        (InputSpec("face", (3, 4, 5), (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),),
    ],
    ids=["a sequence", "a picture and three numbers", "a picture in colour, by channel"],
)
def test_inputs_of_other_types(inputs, made, proved):
    spec = Spec(inputs, "value", unit="deg")
    width = sum(int(np.prod(one.shape)) for one in inputs)
    last = nn.Linear(width, 1)
    net = NETS["Say"](lambda *x: last(torch.cat([one.flatten(1) for one in x], 1)))
    net.last = last
    folder, samples = made(net, spec)
    export_float_c(folder, spec, samples)
    np.testing.assert_allclose(proved[-1], samples.outputs, atol=1e-5)
    whole = export_int8_c(folder, spec, samples, samples)
    found = proved[-1]
    np.testing.assert_array_equal(found, run_reference(whole.program, samples.stored))
    assert np.sqrt(np.square(found - samples.outputs).mean()) < OF_DEVIATION * samples.outputs.std()


def test_a_layer_without_c_is_named_and_nothing_is_left(made, spec):
    folder, samples = made(NETS["Two"](NETS["Say"](lambda a, b: torch.cumsum(a + b, 3)), 192))
    with pytest.raises(InputError, match=r"there is no C of layer 'CumSum'"):
        export_float_c(folder, spec, samples)
    assert [one.name for one in folder.iterdir()] == ["model.onnx"]


def test_c_that_puts_out_something_else_is_refused(made, spec):
    folder, samples = made(KINDS["convolution"]())
    samples.outputs[7, 1] += 1
    with pytest.raises(
        InputError, match=r"fails on its samples: 100 samples, largest difference 0.99|largest difference 1"
    ):
        export_float_c(folder, spec, samples)
    assert [one.name for one in folder.iterdir()] == ["model.onnx"]


def test_one_file_and_the_same_again(made, spec):
    folder, samples = made(KINDS["groups"]())
    first = export_float_c(folder, spec, samples).folder
    texts = {one.name: one.read_bytes() for one in first.iterdir()}
    assert set(texts) == {"student.c", "student.h", "harness.c", "Makefile", "samples.raw"}
    again = export_float_c(folder, spec, samples).folder
    assert {one.name: one.read_bytes() for one in again.iterdir()} == texts
    source = texts["student.c"].decode()
    assert "malloc" not in source and str(folder) not in source and "#include <math.h>" not in source


def test_numbers_of_a_known_net(made, spec):
    """Two towers of one convolution (4 filters of 3 x 3 on 12 x 16) and a linear layer of 1120 x 2."""
    folder, samples = made(KINDS["convolution"]())
    written = export_float_c(folder, spec, samples)
    assert written.macs == 2 * 10 * 14 * 4 * 9 + 1120 * 2
    # Both towers are one layer and share its table; 40 numbers of it, 2242 of the last, mean and std of the inputs.
    assert written.weights == 4 * (40 + 2242 + 2)
    assert written.arena == 4 * (1120 + 192) and written.input == 192


def test_it_can_be_exported_for_one_sample_only(made, spec, tmp_path):
    net = KINDS["groups"]()
    folder, samples = made(net)
    export_onnx(net, spec, tmp_path / "model.onnx", "one")
    assert export_float_c(folder, spec, samples).apart < 1e-4
