"""Programs for runtimes on devices: what is missing, what lacks a layer or puts out something else; and the real ones where they
are installed."""

from dataclasses import replace

import numpy as np
import pytest

from xgaze.compression.export import device_runtime, exported, verification
from xgaze.compression.export.device_runtime import RUNTIMES, DeviceRuntime, computed, export_for_device
from xgaze.compression.export.onnx import export_onnx, open_session, run_onnx
from xgaze.compression.export.samples import Samples, outputs_of
from xgaze.data.contract import stored_inputs
from xgaze.errors import InputError


@pytest.fixture(scope="module")
def samples(thin_student, gaze_recording):
    stored = stored_inputs(gaze_recording, np.arange(3))
    fed = Samples(stored, np.empty((0, 0))).fed(gaze_recording.spec)
    return Samples(stored, outputs_of(thin_student, fed))


@pytest.fixture
def through_onnx(gaze_recording, tmp_path, monkeypatch):
    """A runtime that is there: onnxruntime, under another name. wrong: what it adds to the outputs."""

    def made(wrong=0.0, packages=("numpy",)):
        def write(model, one):
            assert all(len(x) == 1 for x in one)
            export_onnx(model, gaze_recording.spec, tmp_path / "aside.onnx", "one")
            return (tmp_path / "aside.onnx").read_bytes()

        def opened(file):
            session = open_session(file)
            return lambda one: run_onnx(session, one) + np.float32(wrong)

        runtime = DeviceRuntime("Testing", "model.test", packages, "pip install testing", write, opened)
        monkeypatch.setattr(device_runtime, "RUNTIMES", {"test": runtime})
        return runtime

    return made


def test_a_program_is_run_and_kept(thin_student, gaze_recording, samples, tmp_path, through_onnx):
    runtime = through_onnx()
    found = export_for_device("test", tmp_path / "made", thin_student, gaze_recording.spec, samples)
    assert found["parity"] < 1e-5 and found["bytes"] == (tmp_path / "made" / "model.test").stat().st_size
    again = computed(runtime, tmp_path / "made" / "model.test", samples.fed(gaze_recording.spec))
    np.testing.assert_allclose(again, samples.outputs, rtol=1e-4)


def test_what_is_not_the_model_is_refused_and_not_kept(thin_student, gaze_recording, samples, tmp_path, through_onnx):
    through_onnx(wrong=2 * np.abs(samples.outputs).max())
    with pytest.raises(InputError, match=r"Testing puts out something else: 2.0e\+00 of the largest output apart"):
        export_for_device("test", tmp_path / "made", thin_student, gaze_recording.spec, samples)
    through_onnx(wrong=np.nan)
    with pytest.raises(InputError, match="something else: nan"):
        export_for_device("test", tmp_path / "made", thin_student, gaze_recording.spec, samples)
    assert not list((tmp_path / "made").glob("*"))


def test_a_layer_that_it_lacks_is_told(thin_student, gaze_recording, samples, tmp_path, through_onnx, monkeypatch):
    def refuse(model, one):
        raise NotImplementedError("no kernel for aten::thing\nand much more")

    runtime = replace(through_onnx(), write=refuse)
    monkeypatch.setattr(device_runtime, "RUNTIMES", {"test": runtime})
    with pytest.raises(
        InputError, match=r"Testing cannot write this model \(NotImplementedError: no kernel for aten::thing\)"
    ):
        export_for_device("test", tmp_path / "made", thin_student, gaze_recording.spec, samples)
    assert not list((tmp_path / "made").glob("*"))


def test_a_missing_package_is_named_with_its_extra(thin_student, gaze_recording, samples, tmp_path, through_onnx):
    through_onnx(packages=("numpy", "no_such_package"))
    with pytest.raises(InputError, match=r"--to test needs no_such_package, not installed here: pip install testing\."):
        export_for_device("test", tmp_path / "made", thin_student, gaze_recording.spec, samples)
    assert not (tmp_path / "made").exists()


def test_what_cannot_be_run_is_not_run(samples, gaze_recording, tmp_path, through_onnx):
    told = verification._device(
        through_onnx(packages=("no_such_package",)), tmp_path / "x", samples, gaze_recording.spec
    )
    assert told == "not run: no_such_package not installed"


def test_over_people_it_is_as_good_as_the_model(
    thin_student, gaze_recording, samples, tmp_path, through_onnx, monkeypatch
):
    monkeypatch.setattr(exported, "RUNTIMES", {"test": through_onnx()})
    found = exported._for_device("test", tmp_path / "made", gaze_recording, thin_student, samples)
    assert abs(found["worse_percent"]["mean"]) < 0.01 and found["worse_unit"] == "%"


@pytest.mark.parametrize("to", RUNTIMES)
def test_the_real_ones(to, thin_student, gaze_recording, samples, tmp_path):
    if RUNTIMES[to].missing:
        pytest.skip(f"{' and '.join(RUNTIMES[to].missing)} not installed")
    found = export_for_device(to, tmp_path, thin_student, gaze_recording.spec, samples)
    assert found["parity"] < 1e-4
    assert verification._device(RUNTIMES[to], tmp_path / RUNTIMES[to].file, samples, gaze_recording.spec)
