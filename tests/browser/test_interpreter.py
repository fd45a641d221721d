"""The page's interpreter in a real browser, a net per layer kind: in floats it equals torch, in 8 bits the reference arithmetic
to the bit. Most ONNX files are written by torch's old exporter, which takes a fiftieth of the time."""

import base64
import runpy
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.compression.export.c99.operations import read_network
from xgaze.compression.export.c99.quantised import int8_program
from xgaze.compression.export.c99.ranges import measured_ranges
from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.c99.steps import float_program
from xgaze.compression.export.onnx import export_onnx
from xgaze.compression.live.cosine_pictures import decode, encode
from xgaze.compression.live.float_arithmetic import run_floats
from xgaze.compression.live.page_program import Arrays, packed, program_to_json, with_floats
from xgaze.data.contract import InputSpec, Spec
from xgaze.report.sections.live_student import kernels_known
from xgaze.report.sections.live_student.live_section import INTERPRETER

C99 = Path(__file__).parents[1] / "compression" / "export" / "c99"
NETS = runpy.run_path(str(C99 / "nets.py"))
MADE = runpy.run_path(str(C99 / "conftest.py"))
SPEC, COUNT = MADE["SPEC"], 16
BY_THE_NEW_EXPORTER = (
    "a kernel turned for a mirrored camera",
    "convolution of one dimension",
    "local response normalisation",
    "separable",
)


class Heatmap(nn.Module):
    """Where along the scene the pixels of two maps are bright, expected over their softmax."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(2, 2, 3)

    def forward(self, left, right):
        seen = self.layer(torch.cat([left, right], 1)).flatten(2)
        return (seen.softmax(2) * torch.linspace(0, 800, 140)).sum(2)


KINDS = {**NETS["LAYERS"], **NETS["FLOATS"], **NETS["ENDS"], "heatmap": Heatmap}
EYE, HEAD = InputSpec("eye", (2, 4, 5), (90.0, 110.5), (50.0, 70.0)), InputSpec("head", (3,), 1.0, 2.0, "float32")
OTHER_INPUTS = Spec((EYE, HEAD), "value", unit="deg")
RUN = """async ([program, arrays, inputs, count]) => {
  const made = Interpreter.ready(program, await Interpreter.unpacked(arrays)), stored = await Interpreter.unpacked(inputs);
  const part = (all, k) => all.slice(k * all.length / count, (k + 1) * all.length / count);
  return Array.from({ length: count }, (_, k) => [...Interpreter.run(made, Object.fromEntries(
    Object.entries(stored).map(([name, all]) => [`${name} as stored`, part(all, k)])))]);
}"""
seen_kernels: set[str] = set()
seen_kinds: set[str] = set()


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    page.add_script_tag(content=INTERPRETER.read_text("utf-8").replace("const Interpreter", "globalThis.Interpreter"))
    yield page
    page.close()


def sent(arrays):
    return {
        name: (one.dtype.name, base64.b64encode(zlib.compress(np.ascontiguousarray(one).tobytes())).decode())
        for name, one in arrays.items()
    }


def in_browser(page, program, stored, weights=None):
    seen_kernels.update(step.kernel for step in program.steps)
    arrays = Arrays()
    found = program_to_json(program, arrays, weights)
    count = len(next(iter(stored.values())))
    return np.array(page.evaluate(RUN, [found, sent(arrays.named), sent(stored), count]), np.float32)


def export_quickly(net, spec, file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zeros = tuple(torch.zeros(1, *one.shape) for one in spec.inputs)
        names = [one.name for one in spec.inputs]
        torch.onnx.export(net, zeros, file, dynamo=False, input_names=names, output_names=["output"], opset_version=18)


def network_of(kind, folder, net=None, spec=SPEC, count=COUNT):
    torch.manual_seed(0)
    net = (net or KINDS[kind]()).eval().requires_grad_(False)
    (export_onnx if kind in BY_THE_NEW_EXPORTER else export_quickly)(net, spec, folder / "model.onnx")
    return read_network(folder / "model.onnx"), MADE["samples_of"](net, spec, count)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_kind_equals_torch_and_in_8_bits_the_reference(page, kind, tmp_path):
    seen_kinds.add(kind)
    network, samples = network_of(kind, tmp_path)
    program = float_program(network, SPEC)
    within = 2e-6 * max(1, np.abs(samples.outputs).max())
    np.testing.assert_allclose(in_browser(page, program, samples.stored), samples.outputs, atol=within)
    np.testing.assert_allclose(run_floats(program, samples.stored), samples.outputs, atol=within)
    assert np.ptp(samples.outputs, axis=0).min() > 1e-3
    if kind not in NETS["FLOATS"]:
        whole = int8_program(network, SPEC, measured_ranges(tmp_path / "model.onnx", network, SPEC, samples))
        np.testing.assert_array_equal(
            in_browser(page, whole, samples.stored), run_reference(whole, samples.stored).astype(np.float32)
        )


def test_a_student_is_within_a_hundredth_px_of_torch_on_32_samples(page, tmp_path):
    spec = Spec(tuple(InputSpec(name, (1, 40, 40), 40.0, 60.0) for name in ("left", "right")), "gaze", scene=(800, 600))
    low_rank = runpy.run_path(str(C99.parents[1] / "live" / "nets.py"))["LowRank"]
    network, samples = network_of("a student", tmp_path, low_rank(2, 3), spec, 32)
    found = in_browser(page, float_program(network, spec), samples.stored)
    assert found.shape == (32, 2) and np.ptp(found, axis=0).min() > 0.5
    assert np.abs(found - samples.outputs).max() < 0.01


def test_inputs_of_other_types(page, tmp_path):
    last = nn.Linear(43, 1)
    net = NETS["Say"](lambda head, eye: last(torch.cat([eye.flatten(1), head.flatten(1)], 1)))
    net.last = last
    network, samples = network_of("two inputs", tmp_path, net, Spec(OTHER_INPUTS.inputs[::-1], "value", unit="deg"))
    spec = Spec(OTHER_INPUTS.inputs[::-1], "value", unit="deg")
    found = in_browser(page, float_program(network, spec), samples.stored)
    np.testing.assert_allclose(found, samples.outputs, atol=1e-5)
    whole = int8_program(network, spec, measured_ranges(tmp_path / "model.onnx", network, spec, samples))
    np.testing.assert_array_equal(in_browser(page, whole, samples.stored), run_reference(whole, samples.stored))


@pytest.mark.parametrize("rounding", ["float16", "int8"])
def test_rounded_weights_are_computed_with_as_they_are_sent(page, rounding, tmp_path):
    network, samples = network_of("concatenate, then convolve", tmp_path)
    program = float_program(network, SPEC)
    whole = int8_program(network, SPEC, measured_ranges(tmp_path / "model.onnx", network, SPEC, samples))
    weights = packed(program, rounding, whole)
    found = in_browser(page, program, samples.stored, weights)
    expected = run_floats(with_floats(program, weights), samples.stored)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert 1e-6 < np.abs(expected - samples.outputs).max() < 0.1


def test_what_did_not_change_is_not_computed_again_and_nothing_is_missed(page, tmp_path):
    network, samples = network_of("second camera first", tmp_path)
    arrays = Arrays()
    program = program_to_json(float_program(network, SPEC), arrays)
    script = """async ([program, arrays, inputs]) => {
      const made = Interpreter.ready(program, await Interpreter.unpacked(arrays)), stored = await Interpreter.unpacked(inputs);
      const of = (name, k) => ({ [`${name} as stored`]: stored[name].slice(k * 192, (k + 1) * 192) });
      Interpreter.run(made, { ...of("left", 0), ...of("right", 0) });
      for (const step of made.steps) {
        const kernel = step.kernel;
        step.ran = 0;
        step.kernel = (...all) => { step.ran++; kernel(...all); };
      }
      const found = Interpreter.run(made, of("right", 1));
      return [[...found], made.steps.filter(step => !step.ran).length];
    }"""
    found, left_out = page.evaluate(script, [program, sent(arrays.named), sent(samples.stored)])
    mixed = {"left": samples.stored["left"][:1], "right": samples.stored["right"][1:2]}
    np.testing.assert_allclose(found, run_floats(float_program(network, SPEC), mixed)[0], atol=2e-6)
    assert left_out == 3  # the left camera is kept, normalised and copied beside the right one


def test_the_browser_decodes_pictures_to_the_same_pixels(page):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 2, 21, 30)).astype(np.uint8)
    for step in (4, 24):
        coded = encode(pictures, step)
        script = """async ([coded, step]) => [...Interpreter.pictures((await Interpreter.unpacked(coded)).it, 6, 21, 30, step)]"""
        found = page.evaluate(script, [sent({"it": coded}), step])
        np.testing.assert_array_equal(np.array(found).reshape(pictures.shape), decode(coded, pictures.shape, step))


def test_every_kernel_there_is_was_run(page):
    """Run last: what the kinds above use is all that the interpreter knows."""
    assert set(page.evaluate("Object.keys(Interpreter.KERNELS)")) == kernels_known()
    if seen_kinds == set(KINDS):  # not where some of this file's tests are run
        assert sorted(kernels_known() - seen_kernels) == []
