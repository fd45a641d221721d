"""What C does with less: a pool over a convolution in the memory of a few rows, filters of mirrored cameras stored once."""

import shutil

import numpy as np
import pytest

from xgaze.compression.export.c99.arena import lay_out
from xgaze.compression.export.c99.compiled import footprints
from xgaze.compression.export.c99.emulated.instructions import ARM, QEMU, emulated
from xgaze.compression.export.c99.harness import as_in_c, packed_samples, write_c
from xgaze.compression.export.c99.operations import read_network
from xgaze.compression.export.c99.steps import float_program, sizes_of


@pytest.fixture
def program(made, nets, spec):
    def of(kind):
        folder, samples = made(nets["LAYERS"][kind](), count=1)
        return float_program(read_network(folder / "model.onnx"), spec), samples

    return of


def test_three_rows_are_kept_of_a_plane_that_a_pool_of_three_reads(program, spec):
    """Two towers of 4 x 12 x 16 numbers, of which the pool leaves 4 x 5 x 7."""
    plain, _ = program("a pool over a convolution")
    less = as_in_c(plain)
    assert [step.kernel for step in less.steps if "pool" in step.kernel] == ["pooled", "pooled"]
    assert not [step for step in less.steps if step.kernel in ("convolution", "max_pool")]
    pictures, plane, kept, pools = 12 * 16, 4 * 12 * 16, 3 * 16, 2 * 4 * 5 * 7
    assert lay_out(plain).bytes == 4 * (pools + pictures + plane)
    assert lay_out(less).bytes == 4 * (pools + pictures + kept)
    assert less.macs == plain.macs


def test_a_kernel_of_a_mirrored_camera_is_stored_once(program):
    plain, _ = program("a kernel turned for a mirrored camera")
    less = as_in_c(plain)
    assert [step.fields["turned"] for step in less.steps if step.kernel == "convolution"] == [0, 1]
    assert sizes_of(plain.steps) - sizes_of(less.steps) == 4 * 8 * 25


@pytest.mark.skipif(not (shutil.which(QEMU) and shutil.which(ARM)), reason="needs QEMU and a compiler for it")
def test_instructions_are_counted_and_the_outputs_are_those_of_here(program, spec, tmp_path):
    own, samples = program("a pool over a convolution")
    write_c(own, tmp_path, samples.stored, samples.outputs, "a test")
    sizes = footprints(tmp_path)
    assert set(sizes) == {"Cortex-M4", "Cortex-M7"}
    for one in sizes.values():
        assert sizes_of(as_in_c(own).steps) < one.flash < sizes_of(as_in_c(own).steps) + 8000
        assert lay_out(as_in_c(own)).bytes <= one.ram < lay_out(as_in_c(own)).bytes + 100
    found = emulated(tmp_path, own, packed_samples(spec, samples.stored, samples.outputs))
    assert set(found) == {"Cortex-M4", "Cortex-M7"}
    for one in found.values():
        np.testing.assert_allclose(one.outputs, samples.outputs[0], rtol=1e-5)
        assert 2 * own.macs < one.instructions < 60 * own.macs and one.instructions % 40 == 0


def test_what_does_not_fit_on_the_board_is_not_counted(program, tmp_path, monkeypatch):
    own, _ = program("convolution")
    monkeypatch.setattr("xgaze.compression.export.c99.emulated.instructions.MOST_MACS", own.macs - 1)
    assert emulated(tmp_path, own, b"") is None
