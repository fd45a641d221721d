"""What a search will try, before anything is tuned: plans are what was really done, smaller than the teacher, each once."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.compression.build import build_student
from xgaze.compression.group_importance import graded
from xgaze.compression.head import first_linear
from xgaze.compression.kept import kept_modules
from xgaze.compression.plan import Plan
from xgaze.compression.search import bench as bench_module
from xgaze.compression.search import candidates as search_candidates
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.candidates import candidates, in_time
from xgaze.compression.search.rehearsal import Rehearsal, few_frames, rehearse, uncut_in_words
from xgaze.compression.search.widths import latency_of_plan
from xgaze.compression.surgeries.base import probe_of
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.training.distillation import Lesson
from xgaze.training.losses import LOSSES
from xgaze.training.tuning import Features


@pytest.fixture
def bench_of(net, gaze_recording, make_recipe):
    """(name, settings of distill) -> all of a bench that a rehearsal reads."""

    def made(name, **distill):
        teacher = net(name, gaze_recording)
        recipe = make_recipe(distill={"shares": [0.5, 0.25], **distill})
        loss = LOSSES[recipe.training.loss]
        probe = probe_of(teacher, gaze_recording, rows_of(gaze_recording, "train"), 8, loss)
        nothing = Features(np.zeros((0, 1), np.float32), np.zeros((0, 2), np.float32))
        lesson = Lesson(np.zeros((0, 2), np.float32))
        layer = first_linear(teacher)
        return Bench(
            recipe, gaze_recording, teacher, layer, nothing, nothing, lesson, Path("unwritten"), probes={0: probe}
        )

    return made


def capacity_for(bench, expected=2):
    layer = bench.teacher.get_submodule(first_linear(bench.teacher))
    sizes = (layer.in_features, layer.out_features)
    rank = min(expected, *sizes)
    return LayerCapacity(first_linear(bench.teacher), *sizes, [], [], [], {}, 0.0, 0.0, expected_rank=rank)


def test_pictures_are_halved_in_words_only_where_they_were(bench_of):
    padded = rehearse(bench_of("vgg"), [Plan(share=0.5, coarse=True), Plan(share=0.5), Plan(coarse=True)])
    assert [plan.in_words for plan in padded.plans] == ["50 % of the channels"]
    plain = rehearse(bench_of("shuffled towers"), [Plan(share=0.5, coarse=True), Plan(share=0.5)])
    assert [plan.coarse for plan in plain.plans] == [True, False]


@pytest.mark.parametrize("importance", ["magnitude", "taylor"])
def test_channels_go_by_the_importance_that_the_recipe_names(bench_of, importance):
    """Of the first convolution of a tower: what is summed over the weights that make and that read a channel."""
    bench = bench_of("vgg", importance=importance, wiring=False)
    (plan,) = rehearse(bench, [Plan(share=0.5)], tuned_whole=True).plans
    teacher, probe = bench.teacher, bench.probe(bench.teacher)
    student, _ = build_student(teacher, plan, lambda model: few_frames(bench, model))
    first, second = [name for name, one in teacher.named_modules() if isinstance(one, nn.Conv2d)][:2]
    weights = dict(graded(teacher, probe.inputs, probe.loss).named_parameters())
    made, read = weights[f"{first}.weight"], weights[f"{second}.weight"]
    each = {"magnitude": lambda w: w.square(), "taylor": lambda w: (w * w.grad).abs()}[importance]
    scores = each(made).sum((1, 2, 3)) + each(read).sum((0, 2, 3))
    kept = scores.topk(4).indices.sort().values
    assert torch.equal(student.get_submodule(first).weight, made[kept])


def test_maps_of_one_pixel_get_no_separable_filters_and_two_outputs_no_larger_layer(bench_of):
    bench = bench_of("resnet-18")
    found = candidates(bench, capacity_for(bench))
    assert [plan.in_words for plan in found.wholes] == ["50 % of the channels", "25 % of the channels"]
    assert [plan.in_words for plan in found.heads] == ["rank 1"]  # 34 numbers for 64


def test_only_fully_connected_layers_with_nothing_to_gain_are_refused_before_tuning(bench_of):
    bench = bench_of("mobilenet-v2", towers=False, effort="quick", ranks=[2])
    with pytest.raises(
        InputError, match=r"nothing to shrink.*'head\.fc' \(64 -> 2\).*Go without --prune-fc"
    ) as refused:
        candidates(bench, capacity_for(bench))
    assert "Not tried: rank 2 (no smaller than the teacher)." in str(refused.value)


def test_a_first_layer_of_one_unit_leaves_the_towers_to_be_cut(bench_of):
    bench = bench_of("one unit")
    found = candidates(bench, capacity_for(bench))
    assert [plan.share for plan in found.wholes] == [1.0, 0.5]  # a quarter of 8 channels is rounded up to half
    assert {plan.rank for plan in found.wholes} == {1}


def test_layers_that_cannot_be_cut_are_named_once(bench_of):
    bench = bench_of("layer norm")
    found = candidates(bench, capacity_for(bench))
    assert [len(plan.uncut) for plan in found.wholes] == [0, 2]
    assert "2 layers uncut" in found.wholes[1].in_words
    (words,) = found.words
    assert words.startswith("'towers.0.0', 'towers.1.0' cannot be cut and keep all channels: its channels arrive mixed")


def test_where_no_channel_can_go_ever_thinner_heads_are_tried(bench_of):
    bench = bench_of("vgg", keep=["towers"])
    found = candidates(bench, capacity_for(bench, 4))
    assert [plan.rank for plan in found.wholes] == [6, 3, 2] and not found.words
    assert all(plan.keep == ("features_net.towers",) for plan in found.wholes)


def test_a_plan_that_cannot_be_proved_is_dropped_with_a_word(bench_of, monkeypatch):
    build = bench_module.build

    def refusing(teacher, plan, *more):
        if plan.rank == 2:
            raise InputError("no proof.")
        return build(teacher, plan, *more)

    monkeypatch.setattr(bench_module, "build", refusing)
    found = rehearse(bench_of("vgg"), [Plan(rank=2), Plan(rank=3)])
    assert [plan.rank for plan in found.plans] == [3] and found.words == ["Not tried: rank 2 (no proof.)."]


def test_what_is_kept_is_found_by_the_authors_names(net, gaze_recording):
    teacher = net("vgg", gaze_recording)
    assert kept_modules(teacher, ["towers.0", "head.0"]) == ("features_net.towers.0", "head.head_0")
    assert kept_modules(teacher, ["features_net.towers.0", "towers.0"]) == ("features_net.towers.0",)
    with pytest.raises(InputError, match=r"distill\.keep: the teacher has no module 'tower\.0'; .*towers\.0"):
        kept_modules(teacher, ["tower.0"])


def test_reasons_that_differ_in_names_only_are_told_once():
    uncut = {f"features_net.{k}": f"'features_net.{k}' cannot be traced: lost {k} of them at 'b{k}'." for k in range(5)}
    assert uncut_in_words(uncut) == [
        "'0', '1', '2' and 2 more layers cannot be cut and keep all channels: lost 0 of them at 'b0'."
    ]


def test_kept_layers_make_other_trials(make_recipe):
    recipe = make_recipe()
    kept = make_recipe(distill={**recipe.distill.model_dump(), "keep": ["towers"]})
    assert kept.model_dump(mode="json")["distill"]["keep"] == ["towers"] and kept.trial_hash() != recipe.trial_hash()


@pytest.mark.parametrize(
    ("student", "words"), [("haed", r"the student has no module 'haed'; did you mean 'head'"), ("features_net", None)]
)
def test_hints_of_students_that_are_tuned_end_to_end_are_tried_in_the_rehearsal(bench_of, student, words):
    bench = bench_of("vgg", hints=[{"teacher": "features_net", "student": student}], wiring=False)
    assert rehearse(bench, [Plan(share=0.5)]).plans  # a head tuned on embeddings hears no hint
    if words is None:
        assert candidates(bench, capacity_for(bench)).wholes
        return
    with pytest.raises(InputError, match=words):
        candidates(bench, capacity_for(bench))


def test_every_wiring_that_a_net_allows_is_tried_in_the_middle_width(bench_of):
    bench = bench_of("vgg")
    found = candidates(bench, capacity_for(bench))
    values = ("fresh", "mean")  # both eyes show the same, so that none is mirrored, and an unmirrored start is no other
    shared = [(), *((("shared_towers", value),) for value in values)]
    before = [(), (("factored_conv", "depthwise"),), (("stem", 2),), (("stem", 2), ("factored_conv", "depthwise"))]
    assert [plan.others for plan in found.wired] == [
        (*one, *other) for one in before for other in shared if one + other
    ]
    assert {plan.share for plan in found.wired} == {0.5}
    assert not candidates(bench_of("vgg", wiring=False), capacity_for(bench)).wired


def test_a_net_that_shares_already_is_told_so_once(bench_of):
    bench = bench_of("one batch")
    found = candidates(bench, capacity_for(bench))
    told = [words for words in found.words if "shared towers" in words]
    assert told == [
        "Not tried: shared towers (no towers to share: no two inputs of one shape go through layers of their own)."
    ]


def test_kept_layers_are_not_rewired_and_that_is_no_news(bench_of):
    bench = bench_of("vgg", keep=["towers.1.3"])
    found = candidates(bench, capacity_for(bench))
    assert {plan.others for plan in found.wired} == {(("stem", 2),)}
    assert not any("shared towers" in words for words in found.words)


def test_which_layers_do_nothing_is_measured_once_for_all_students_of_a_teacher(bench_of, monkeypatch):
    asked = []
    measured = bench_module.plan_no_ops
    monkeypatch.setattr(bench_module, "plan_no_ops", lambda *which: asked.append(which[-1]) or measured(*which))
    bench = bench_of("vgg")
    alone = [build_student(bench.teacher, Plan(share=share), bench.probe)[1] for share in (0.5, 0.25)]
    together = [bench.build(Plan(share=share)).steps for share in (0.5, 0.25)]
    assert [[step.surgery for step in steps] for steps in together] == [
        [step.surgery for step in steps] for steps in alone
    ]
    bench.build(Plan(share=0.5, keep=("head",)))
    assert asked == [(), ("head",)]


def test_what_cannot_keep_the_budget_of_time_is_not_tried(bench_of, monkeypatch):
    """A wiring is judged by its narrowest student, all others by their own."""
    monkeypatch.setattr(search_candidates, "latency_of_plan", lambda _bench, plan: 4 * plan.share)
    bench = bench_of("vgg", max_latency_ms=2.5, wiring=False)
    found = candidates(bench, capacity_for(bench))
    assert {plan.share for plan in found.wholes} == {0.5} and not found.heads
    assert any(one.startswith("Not tried: rank") and "(untrained it already takes 4 ms)" in one for one in found.words)
    tight = candidates(bench_of("vgg", max_latency_ms=1.5), capacity_for(bench))
    assert not tight.wholes and {plan.share for plan in tight.wired} == {0.5}  # at a quarter of the channels in time


def test_a_larger_head_on_towers_that_are_too_slow_is_not_measured(monkeypatch):
    bench = SimpleNamespace(recipe=SimpleNamespace(distill=SimpleNamespace(max_latency_ms=1.0)))
    small, large, narrow = Plan(rank=2), Plan(rank=8), Plan(share=0.5, rank=8)
    measured = []
    monkeypatch.setattr(
        search_candidates,
        "latency_of_plan",
        lambda _bench, plan: measured.append(plan) or (3.0 if plan.share == 1 else 0.9),
    )
    found = in_time(bench, Rehearsal([large, small, narrow], macs={small: 50, large: 60, narrow: 30}))
    assert found.plans == [narrow] and measured == [narrow, small] and found.slow == {small: 3.0}
    assert found.words[1] == "Not tried: rank 8 (a smaller head on these towers already takes 3 ms)."


def test_a_budget_of_time_below_the_fastest_student_names_it(bench_of, monkeypatch):
    monkeypatch.setattr(search_candidates, "latency_of_plan", lambda _bench, plan: 4 * plan.share)
    bench = bench_of("vgg", max_latency_ms=0.5)
    with pytest.raises(
        InputError, match=r"--max-latency-ms 0\.5: no student .* the fastest, 25 % of the .*, takes 1 ms here"
    ):
        candidates(bench, capacity_for(bench))


def test_times_are_those_of_the_exported_student(bench_of):
    bench = bench_of("vgg", max_latency_ms=1000.0)
    some = rehearse(bench, [Plan(share=0.25)])
    assert in_time(bench, some).plans == some.plans and 0 < latency_of_plan(bench, some.plans[0]) < 1000
