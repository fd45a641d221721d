"""Surgeries: each is proved, rebuilt bit-equal, and refused where it cannot be proved."""

import copy
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, read_weights, write_card, write_weights
from xgaze.compression.head import first_linear
from xgaze.compression.student import load_model, rebuild, surgery_from_json
from xgaze.compression.surgeries import channels
from xgaze.compression.surgeries.base import surgery_to_json
from xgaze.compression.surgeries.coarse_input import CoarseInput
from xgaze.compression.surgeries.columns import Columns
from xgaze.compression.surgeries.cut import Cut
from xgaze.compression.surgeries.factored_conv import FactoredConv
from xgaze.compression.surgeries.fold import Fold
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.compression.surgeries.no_op import RemoveNoOp
from xgaze.compression.surgeries.proof import Proof, checked
from xgaze.compression.surgeries.separable import Separable
from xgaze.compression.surgeries.shared_towers import SharedTowers
from xgaze.compression.surgeries.stem import Stem
from xgaze.compression.surgeries.surgery_kinds import SURGERIES, Step
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError

ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
LAYER = "head.embedding"


def model_spec(model):
    return Spec(tuple(InputSpec(f"eye{k}", (1, 40, 40)) for k in range(len(model.towers))), "gaze", scene=(800, 600))


def test_a_proof_that_fails_or_is_nan_names_the_layers():
    for value in (2e-5, float("nan")):
        with pytest.raises(InputError, match=r"surgery on head\.x refused"):
            checked(Proof("change", value, 1e-5, "share"), "head.x")


def test_a_head_without_a_first_linear_layer_is_refused(model):
    model.head = nn.Sequential(nn.ReLU())
    with pytest.raises(InputError, match="no first FC layer"):
        first_linear(model)


SHARED = {f"towers.1.conv{k}": f"towers.0.conv{k}" for k in range(1, 6)}
OF_SHIFTS = {"towers.0.conv3:out": "0:4", "towers.0.conv4:in": "0:4", "towers.1.conv3.shift:through": "0:4"}
CUT_SHARED = Cut(OF_SHIFTS)

# Students by what was done to them: arguments of the architecture beside ARGS, and the surgeries in order.
STUDENTS = {
    "factored": (
        {},
        [Fold(LAYER, "head.hidden"), LowRank(LAYER, 4, "sensitivity"), Separable(f"{LAYER}.reduce", 1, 16, 4, 4)],
    ),
    "columns": ({}, [Fold(LAYER, "head.hidden"), Columns(LAYER, tuple(range(3, 200, 7)))]),
    "no_op": ({"lrn": True}, [RemoveNoOp(("towers.0.norm1", "towers.1.norm2"))]),
    "channels": ({}, [Cut({"towers.0.conv3:out": "0:4,8:12", "towers.0.conv4:in": "0:4,8:12"})]),
    "coarse_input": ({"first_stride": 2}, [CoarseInput("towers.0.conv1")]),
    "stem": ({"conv4_padding": 1}, [Stem(("towers.0.conv1", "towers.1.conv1"), 2, LAYER, (6, 6, 3, 3))]),
    "depthwise": ({}, [FactoredConv(("towers.0.conv2", "towers.0.conv3"))]),
    "rows": ({}, [FactoredConv(("towers.0.conv3",), "rows"), FactoredConv(("towers.1.conv3",), "tucker")]),
    "shared_towers": ({}, [SharedTowers(SHARED, tuple(SHARED), "shift"), CUT_SHARED]),
}
EVERY = [surgery for _, surgeries in STUDENTS.values() for surgery in surgeries]
INPUTS = "[torch.linspace(-1, 1, 1600).reshape(1, 1, 40, 40)] * 2"
SHOW = f"with torch.no_grad(): print(model(*{INPUTS}).numpy().tobytes().hex())"


def test_every_surgery_is_in_some_student_and_survives_json():
    elsewhere = {"plain_weights"}  # of nets whose weights are computed: see test_plain_weights.py
    assert {one.kind for one in EVERY} | elsewhere == set(SURGERIES)
    for one in EVERY:
        stored = json.loads(json.dumps({**surgery_to_json(one), "proof": {"value": 0.0}}))
        assert surgery_from_json(stored) == one


STEPS = [(name, k) for name, (_, surgeries) in STUDENTS.items() for k in range(len(surgeries))]


@pytest.mark.parametrize(("name", "step"), STEPS)
@pytest.mark.parametrize("training", [True, False])
def test_a_refused_surgery_leaves_the_model_bit_equal(model, with_head, probe_of, name, step, training, monkeypatch):
    """No proof holds a limit below zero."""
    changes, surgeries = STUDENTS[name]
    student = with_head(model, **changes).train(training)
    probe = probe_of(student)
    for earlier in surgeries[:step]:
        earlier.apply(student, probe)
    modules, weights = dict(student.named_modules()), copy.deepcopy(student.state_dict())
    modes, shape = {path: one.training for path, one in modules.items()}, student.feature_shape
    surgery = surgeries[step]
    failing = replace(surgery, limit=-1.0) if isinstance(surgery, RemoveNoOp) else surgery
    monkeypatch.setattr("xgaze.compression.surgeries.proof.EXACT_LIMIT", -1.0)
    with pytest.raises(InputError, match=r"surgery on .* refused: .* above -1e\+00"):
        failing.apply(student, probe)
    assert dict(student.named_modules()) == modules and list(student.state_dict()) == list(weights)
    assert all(torch.equal(value, weights[key]) for key, value in student.state_dict().items())
    assert {path: one.training for path, one in modules.items()} == modes and student.feature_shape == shape
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in modules.values())


def test_every_surgery_has_a_plan_beside_it():
    planned = {"channels": channels}
    for kind in SURGERIES:
        beside = vars(planned.get(kind) or sys.modules[SURGERIES[kind].stored.__module__])
        assert any(name.startswith("plan_") for name in beside), kind


def test_malformed_surgeries_are_refused():
    with pytest.raises(InputError, match="did you mean 'low_rank'"):
        surgery_from_json({"kind": "lowrank"})
    with pytest.raises(InputError, match="malformed"):
        surgery_from_json({"kind": "low_rank", "layer": LAYER, "ranks": 3})
    with pytest.raises(InputError, match="malformed"):
        surgery_from_json({"kind": "columns", "layer": LAYER, "keep": ["0", "x"]})


@pytest.fixture
def store(tmp_path, model, with_head, probe_of):
    """Make a student of STUDENTS and store it: its folder and the model."""

    def make(name):
        changes, surgeries = STUDENTS[name]
        torch.manual_seed(0)
        student = with_head(model, **changes).eval()
        probe = probe_of(student)
        steps = [Step(one, one.apply(student, probe)) for one in surgeries]
        architecture = {"name": "multi-eye", "args": {**ARGS, **changes}}
        stored = [step.to_json() for step in steps]
        spec = model_spec(model).to_json()
        (tmp_path / name).mkdir()
        write_weights(tmp_path / name / WEIGHTS_FILE, student.state_dict())
        write_card(
            tmp_path / name, ModelCard("student", architecture, spec, {"name": "toy"}, "hash", 0, surgeries=stored)
        )
        return tmp_path / name, student

    return make


def test_students_rebuilt_in_a_fresh_process_are_bit_equal(store):
    students = [store(name) for name in STUDENTS]
    expected = []
    for _, model in students:
        with torch.no_grad():
            expected.append(model(*eval(INPUTS)).numpy().tobytes().hex())
    script = (
        "import sys, torch; from pathlib import Path; from xgaze.compression.student import load_model\n"
        f"for folder in sys.argv[1:]:\n model, card = load_model(Path(folder))\n {SHOW}"
    )
    folders = [str(folder) for folder, _ in students]
    done = subprocess.run([sys.executable, "-c", script, *folders], capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected


def test_weights_that_do_not_fit_the_card_are_named(store):
    folder, _ = store("factored")
    weights = read_weights(folder / WEIGHTS_FILE)
    weights["head.embedding.reduce.rows"] = torch.zeros(5, 3)
    write_weights(folder / WEIGHTS_FILE, weights)
    with pytest.raises(InputError, match=r"weights do not fit .*head\.embedding\.reduce\.rows"):
        load_model(folder)


@pytest.mark.parametrize("name", STUDENTS)
def test_rebuilding_needs_no_weights_of_the_teacher(store, name):
    folder, model = store(name)
    card = load_model(folder)[1]
    assert {k: v.shape for k, v in rebuild(card).state_dict().items()} == {
        k: v.shape for k, v in model.state_dict().items()
    }
