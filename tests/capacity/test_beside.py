"""A head whose first layer reads maps only, beside which a sequence passes: every tool for first layers works on it."""

import copy
import json

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, write_card, write_weights
from xgaze.capacity.active_subspace import output_jacobian
from xgaze.capacity.beside import told
from xgaze.capacity.layer_capacity import layer_capacity
from xgaze.capacity.sensitivity import rank_sensitivity
from xgaze.compression.build import build_student
from xgaze.compression.head import entrance, first_linear, tail_of
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.search.rivals import columns_by_norm, from_scratch, plain_svd
from xgaze.compression.student import load_model
from xgaze.compression.surgeries.base import Probe, surgery_to_json
from xgaze.compression.surgeries.channels import plan_going
from xgaze.compression.surgeries.columns import Columns, plan_columns
from xgaze.compression.surgeries.fold import plan_fold
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.registry import build

LAYER = "head.image.layer"
MAPS = 8 * 6 * 8
SPEC = Spec(
    (
        InputSpec("image", (1, 24, 32)),
        InputSpec("sequence", (9, 3), 0.0, 1.0, "float32"),
        InputSpec("length", (1,), 0.0, 1.0, "float32"),
    ),
    "class",
    classes=("a", "b", "c"),
)
ARGS = {
    "blocks": [{"type": "resnet", "channels": 8, "stride": 2}, {"type": "max-pool"}],
    "width": 16,
    "units": 6,
    "layers": 1,
    "hidden": [10],
}
VARIANTS = {"concat": {}, "add": {"fusion": "add"}, "attention": {"cross_attention": True}}


@pytest.fixture(params=VARIANTS)
def args(request):
    return {**ARGS, **VARIANTS[request.param]}


@pytest.fixture
def model(args):
    torch.manual_seed(0)
    return build("vitnet", args, SPEC).eval()


@torch.no_grad()
def probe_for(model, samples=600):
    torch.manual_seed(1)
    length = torch.randint(1, 10, (samples, 1)).float()
    inputs = (torch.randn(samples, 1, 24, 32), torch.randn(samples, 9, 3), length)
    return Probe(tuple(x[:4] for x in inputs), model.features(*inputs))


@pytest.fixture
def probe(model):
    return probe_for(model)


def test_the_first_layer_lies_inside_and_what_enters_the_head_is_wider(model, probe):
    assert (first_linear(model), entrance(LAYER), entrance("head.embedding")) == (LAYER, "head.image", "head.embedding")
    assert model.get_submodule(LAYER).in_features == MAPS < probe.features.shape[1]
    assert model.feature_shape == (8, 6, 8)
    with torch.no_grad():
        beside = model.head.image(probe.features)
        assert torch.equal(tail_of(model, LAYER)(beside), model.head(probe.features))


def test_the_tail_told_the_rest_answers_for_the_layers_own_outputs(model, probe):
    layer = model.get_submodule(LAYER)
    output = layer(probe.features[:, :MAPS]).detach()
    tail = told(tail_of(model, LAYER), layer, probe.features)
    assert torch.allclose(tail(output), model.head(probe.features), atol=1e-6)
    whole = output_jacobian(tail_of(model, LAYER), model.head.image(probe.features).detach())
    assert torch.allclose(output_jacobian(tail, output), whole[..., :16], atol=1e-6)
    plain = nn.Sequential(nn.Linear(16, 2))
    assert told(plain, nn.Linear(5, 16), torch.randn(7, 5)) is plain


@pytest.mark.parametrize("weighting", ["variance", "sensitivity"])
def test_low_rank_loses_what_its_spectrum_predicts(model, probe, weighting):
    proof = LowRank(LAYER, 3, weighting).apply(model, probe)
    assert proof.value <= 1e-5
    assert model.get_submodule(LAYER).reduce.weight.shape == (3, MAPS)


def test_full_rank_changes_nothing(model, probe):
    before = outputs_of(model.head, probe.features)
    LowRank(LAYER, 16).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, atol=1e-5)


def store(folder, args, student, steps):
    stored = json.loads(json.dumps([step.to_json() for step in steps]))
    write_weights(folder / WEIGHTS_FILE, student.state_dict())
    architecture = {"name": "vitnet", "args": args}
    write_card(folder, ModelCard("student", architecture, SPEC.to_json(), {"name": "toy"}, "hash", 0, surgeries=stored))


@pytest.mark.parametrize("plan", [Plan(rank=3, terms=1), Plan(rank=4), Plan(share=0.5, rank=3, terms=1)])
def test_a_student_is_proved_and_rebuilt_bit_equal(model, args, plan, tmp_path):
    student, steps = build_student(model, plan, probe_for, "class")
    kinds = ["channels"] * (plan.share < 1) + ["low_rank"] + ["separable"] * (plan.terms is not None)
    assert [step.surgery.kind for step in steps] == kinds
    assert all(step.proof.value <= step.proof.limit for step in steps)
    store(tmp_path, args, student, steps)
    again, card = load_model(tmp_path)
    assert [surgery_to_json(step.surgery)["kind"] for step in steps] == [one["kind"] for one in card.surgeries]
    inputs = probe_for(model).inputs
    with torch.no_grad():
        assert torch.equal(again(*inputs), student(*inputs))


def test_cutting_maps_leaves_what_passes_beside(model, probe):
    beside = model.head.image.beside
    cut = plan_going(model, probe, widths_of(model, 0.5)).cut()
    assert cut.apply(model, probe).value <= 1e-5
    assert (model.feature_shape, model.head.image.beside) == ((4, 6, 8), beside)
    assert model.get_submodule(LAYER).in_features == MAPS // 2


def test_nothing_is_folded_where_the_output_is_joined_first(model, probe):
    assert plan_fold(model, LAYER, probe) is None


def test_columns_are_chosen_among_the_maps(model, probe):
    layer = copy.deepcopy(model.get_submodule(LAYER))
    plan = plan_columns(model, LAYER, 300)
    assert max(plan.keep) < MAPS and plan.apply(model, probe).value <= 1e-5
    read, others = probe.features[:, :MAPS], [k for k in range(MAPS) if k not in plan.keep]
    with torch.no_grad():
        layer.weight[:, others] = 0
        assert torch.allclose(model.get_submodule(LAYER)(read), layer(read), atol=1e-5)
    fresh = build("vitnet", ARGS, SPEC).eval()
    with pytest.raises(InputError, match=r"383\.\.384 is outside 0\.\.383"):
        Columns(LAYER, (383, 384)).apply(fresh, probe_for(fresh, 20))


def test_the_baselines_of_other_tools_work(model, probe):
    x = probe.inputs
    small = plain_svd(model, LAYER, 16)
    with torch.no_grad():
        assert torch.allclose(small(*x), model(*x), atol=1e-4)
    assert columns_by_norm(model, LAYER, 20, probe)(*x).shape == (4, 3)
    fresh = from_scratch(small, 3)
    assert all(not torch.equal(p, small.get_parameter(n)) for n, p in fresh.named_parameters() if p.std() > 1e-6)


class Head(nn.Module):
    """[16 outputs | 4 features beside]: reads `q` directions of the former, each scaled by the latter, and the latter's sum."""

    def __init__(self, q):
        super().__init__()
        self.reading = nn.Linear(16, q, bias=False)
        nn.init.orthogonal_(self.reading.weight)

    def forward(self, x):
        read, beside = self.reading(x[:, :16]), x[:, 16:]
        return torch.cat([read * (1 + 0.3 * torch.tanh(beside[:, :1])), beside.sum(dim=1, keepdim=True)], dim=1)


@pytest.mark.parametrize("q", [1, 3, 6])
def test_a_planted_rank_is_found_beside_whatever_passes(q):
    torch.manual_seed(q)
    layer, tail = nn.Linear(40, 16), Head(q)
    nn.init.orthogonal_(layer.weight)
    features = np.random.default_rng(0).normal(size=(1500, 44)).astype(np.float32)
    features[:, 40:] *= 30  # were it counted in, it would be all there is
    capacity = layer_capacity(LAYER, layer, tail, features)
    assert (capacity.in_features, capacity.out_features) == (40, 16)
    assert capacity.components_99["active_subspace"] == capacity.expected_rank == q
    assert capacity.components_99["output"] == 16


@pytest.mark.parametrize("q", [2, 5])
def test_capacity_finds_the_rank_planted_into_a_vitnet(q):
    """The large layer's weight has rank q, its features are independent: q principal components are all there is."""
    torch.manual_seed(q)
    model = build("vitnet", {**ARGS, "hidden": []}, SPEC).eval()
    layer = model.get_submodule(LAYER)
    features = torch.randn(800, MAPS + 16)
    with torch.no_grad():
        left, right = torch.linalg.qr(torch.randn(16, 16))[0], torch.linalg.qr(torch.randn(MAPS, q))[0]
        layer.weight.copy_(left[:, :q] @ right.T)
        model.head.output.weight[:, :16] = left[:, :3].T
    capacity = layer_capacity(LAYER, layer, tail_of(model, LAYER), features.numpy())
    assert capacity.components_99["output"] == capacity.components_99["weight"] == q
    assert capacity.expected_rank == min(q, 3)  # three logits cannot tell more than three directions apart


def test_rank_sensitivity_of_the_layer_is_exact_at_full_rank_and_grows_below(model, probe):
    whole = outputs_of(model.head, probe.features).numpy()

    def score(outputs):
        return float(np.square(outputs - whole).mean())

    layer, features = model.get_submodule(LAYER), probe.features.numpy()
    points = rank_sensitivity(LAYER, layer, tail_of(model, LAYER), features, score, [1, 6, 16])
    assert points[0].error > points[1].error > points[2].error
    assert points[2].error < 1e-9
