"""A small model for surgeries, a thin student as an ONNX file, and a whole search on the toy recording."""

import runpy
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import nn

from xgaze.artifacts import read_card
from xgaze.compression.distill import distill
from xgaze.compression.export.onnx import export_onnx
from xgaze.compression.student import load_model
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.compression.surgeries.separable import Separable
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import InputSpec, Spec, rows_of
from xgaze.models.inference import predict
from xgaze.models.registry import build
from xgaze.training.teacher import train_teacher

ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
LAYER = "head.embedding"


@pytest.fixture(scope="session")
def net():
    """(name, recording) -> a net of `backbones.py` or `eye_nets.py`, split as a user's import is."""
    here = Path(__file__).parent
    libraries, eyes = (runpy.run_path(str(here / f"{name}.py")) for name in ("backbones", "eye_nets"))
    known = {**libraries["BACKBONES"], **eyes["CUT"], **eyes["PARTLY"], "no onnx": eyes["NoOnnx"]}

    def made(name, recording):
        inputs = next(iter(ordered_batches(recording, rows_of(recording, "train")[:2]))).inputs
        return libraries["backbone"](known[name], inputs)

    return made


@pytest.fixture
def model(gaze_recording):
    torch.manual_seed(0)
    return build("multi-eye", ARGS, gaze_recording.spec).eval()


@pytest.fixture
def probe(model):
    return probe_for(model)


@pytest.fixture
def probe_of():
    """model -> its probe."""
    return probe_for


def probe_for(model):
    torch.manual_seed(1)
    inputs = tuple(torch.randn(4, 1, 40, 40) for _ in model.towers)
    return Probe(inputs, torch.randn(400, model.head.embedding.in_features))


@pytest.fixture
def with_head():
    """(model, changes) -> a model of the same inputs with other arguments."""
    return rebuilt


def rebuilt(model, **changes):
    return build("multi-eye", {**ARGS, **changes}, model_spec(model))


def model_spec(model):
    return Spec(tuple(InputSpec(f"eye{k}", (1, 40, 40)) for k in range(len(model.towers))), "gaze", scene=(800, 600))


@pytest.fixture(scope="session")
def thin_student(gaze_recording):
    """A student with a separable first layer, and random weights that carry what the blobs say to the outputs."""
    torch.manual_seed(0)
    args = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False, "hidden": 16}
    student = build("multi-eye", args, gaze_recording.spec)
    LowRank(LAYER, 3).reshape(student)
    Separable(f"{LAYER}.reduce", 1, *student.feature_shape).reshape(student)
    student.get_submodule(f"{LAYER}.reduce").reset_parameters()
    return spread_out(student, gaze_recording)


@pytest.fixture(scope="session")
def spread():
    """(model, recording) -> the model with random weights that carry what is seen to its outputs."""
    return spread_out


@torch.no_grad()
def spread_out(model, recording):
    """No biases, lively weights, and a last layer whose outputs have mean 0 and standard deviation 0.5 before they are scaled."""
    layers = [one for one in model.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            layer.bias.zero_()
    read = []
    handle = layers[-1].register_forward_hook(lambda _module, _inputs, out: read.append(out))
    predict(model, recording, rows_of(recording, "train"))
    handle.remove()
    deviation, mean = torch.std_mean(torch.cat(read), dim=0)
    layers[-1].weight.div_(2 * deviation[:, None])
    layers[-1].bias.copy_(-mean / (2 * deviation))
    return model.eval()


@pytest.fixture(scope="session")
def exported(thin_student, gaze_recording, tmp_path_factory):
    file = tmp_path_factory.mktemp("float") / "model.onnx"
    export_onnx(thin_student, gaze_recording.spec, file)
    return file


@pytest.fixture(scope="session")
def lacking_onnx():
    """() -> a context in which there is no ONNX of any model, so that nothing has a time: for searches that are about neither;
    each file takes a second."""

    def lacking(*_):
        raise ValueError("no ONNX of it here")

    return lambda: mock.patch("xgaze.compression.export.onnx.export_onnx", lacking)


@pytest.fixture
def no_onnx(lacking_onnx):
    with lacking_onnx():
        yield


@pytest.fixture(scope="session")
def run(made_once, gaze_recording):
    """A teacher and its student."""
    from xgaze.recipe import Recipe

    recipe = Recipe.model_validate(
        {
            "name": "toy",
            "data": {"source": "rendered"},
            "model": {
                "name": "multi-eye",
                "args": {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False},
            },
            "training": {"epochs": 10, "batch_size": 12, "precision": "32-true", "loss": "euclidean"},
            "distill": {
                "tuning_epochs": 2,
                "ranks": [1, 8],
                "calibration_samples": 64,
                "end_to_end_epochs": 1,
                "separable_terms": [1],
                "shares": [0.5, 0.25],
                "wiring": False,  # tried in search/test_wired_search.py
                "teacher_weight": 0.5,
            },
        }
    )

    def searched(place):
        folder = place / "toy"
        train_teacher(recipe, gaze_recording, folder / "teacher")
        teacher, card = load_model(folder / "teacher")
        distill(recipe, gaze_recording, teacher, card, folder / "student", baselines=True)
        return folder

    folder = made_once("toy", searched)
    return recipe, folder, read_card(folder / "student")
