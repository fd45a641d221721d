"""Backbones that people have are cut, thinned and exported, every surgery proved; what cannot be cut is kept and named."""

import copy
import runpy
from pathlib import Path

import pytest
import torch
from torch import nn

from xgaze.compression.build import build
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.student import surgery_from_json
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.cut import masked
from xgaze.models.size import count_parameters

LIBRARIES, EYES = (runpy.run_path(str(Path(__file__).parents[1] / f"{name}.py")) for name in ("backbones", "eye_nets"))
BACKBONES, PARTLY = LIBRARIES["BACKBONES"] | EYES["CUT"], EYES["PARTLY"]
SIDE, backbone = LIBRARIES["SIDE"], LIBRARIES["backbone"]


def pictures():
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(6, 1, SIDE, SIDE, generator=generator) for _ in range(2))


@torch.no_grad()
def probe_for(model):
    return Probe(pictures(), model.features(*pictures()))


@pytest.fixture(params=BACKBONES)
def teacher(request):
    return backbone(BACKBONES[request.param], pictures())


def test_half_of_the_channels_go_and_the_rest_computes_what_it_did(teacher):
    """The student equals the teacher with the removed channels at zero wherever they are made."""
    built = build(teacher, Plan(share=0.5), probe_for)
    cut = next(step.surgery for step in built.steps if step.surgery.kind == "channels")
    assert built.uncut == {} and all(step.proof.value <= step.proof.limit for step in built.steps)
    whole = build(teacher, Plan(), probe_for).student
    with torch.no_grad(), masked(whole, cut._parts()):
        expected = whole(*pictures())
    with torch.no_grad():
        found = built.student(*pictures())
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    widths = widths_of(teacher, 0.5)
    left = {name: len(built.student.get_submodule(name).weight) for name in widths}
    assert left == dict(widths) or any(isinstance(one, nn.GroupNorm) for one in teacher.modules())
    assert count_parameters(built.student) < 0.7 * count_parameters(teacher)


def test_a_student_is_rebuilt_from_its_record(teacher):
    built = build(teacher, Plan(share=0.25, rank=1, terms=1), probe_for)
    again = copy.deepcopy(teacher)
    for step in built.steps:
        surgery_from_json(step.to_json()).reshape(again)
    again.load_state_dict(built.student.state_dict())
    with torch.no_grad():
        assert torch.equal(again(*pictures()), built.student(*pictures()))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("layer norm", {"features_net.towers.0.0", "features_net.towers.1.0"}),
        ("gated", {"features_net.gate", "features_net.tower.0"}),
    ],
)
def test_layers_that_cannot_be_cut_keep_their_channels_and_the_others_are_cut(name, kept):
    teacher = backbone(PARTLY[name], pictures())
    built = build(teacher, Plan(share=0.5), probe_for)
    assert set(built.uncut) == kept
    for path, width in widths_of(teacher, 0.5).items():
        whole = len(teacher.get_submodule(path).weight)
        assert len(built.student.get_submodule(path).weight) == (whole if path in kept else width)
    again = build(teacher, Plan(share=0.5, uncut=tuple(built.uncut)), probe_for)
    assert [step.surgery for step in again.steps] == [step.surgery for step in built.steps] and again.uncut == {}


def test_what_is_kept_stays_bit_by_bit_and_so_does_what_is_coupled():
    teacher = backbone(BACKBONES["resnet-18"], pictures())
    keep = ("features_net.trunk.6", "head")
    student = build(teacher, Plan(share=0.5, rank=1, keep=keep), probe_for).student
    for path in keep:
        before, after = (model.get_submodule(path).state_dict() for model in (teacher, student))
        assert all(torch.equal(after[key], value) for key, value in before.items())
    widths = {
        path: len(student.get_submodule(f"features_net.trunk.{path}").weight) for path in ("0", "5.conv2", "7.conv2")
    }
    assert widths == {"0": 8, "5.conv2": 8, "7.conv2": 16}  # what the kept block reads, and what its sum goes on to
    assert student.get_submodule("features_net.trunk.5.conv1").out_channels == 4
