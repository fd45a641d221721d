"""Explanations of models that read sequences and graphs, against linear models whose attributions are known exactly."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import collate, rows_of
from xgaze.explanation.attribution.attribution import integrated_gradients, mean_inputs
from xgaze.explanation.attribution.method import Question
from xgaze.explanation.attribution.parts import Parts, baseline_of, moved_names, parts_of
from xgaze.explanation.attribution.targets import targets_for
from xgaze.explanation.explain import explain_samples
from xgaze.explanation.test_samples import figures_of, measure_over
from xgaze.explanation.test_set.perturbation import Perturbed
from xgaze.explanation.test_set.selection import reference_rows
from xgaze.explanation.trust.checked import Given, check_conductance, check_methods, questions_of, shapley_of
from xgaze.explanation.trust.gate import wrong_gradients
from xgaze.models.registry import build
from xgaze.recipe import Explain

SETTINGS = Explain(steps=16, internal_batch_size=8)
ARGS = {
    "sequence": ("scanpath-rnn", {"units": 8, "layers": 1}),
    "graph": ("scanpath-gnn", {"units": (8,), "embedding": 4}),
    "both": ("vitnet", {"width": 8, "units": 8, "layers": 1, "blocks": [{"type": "vgg", "channels": 4}]}),
}


def reference(recording):
    return mean_inputs(recording, reference_rows(recording, 0))


class LinearSequence(nn.Module):
    """Logit k = sum of W_k over all features of all true fixations, divided by their number."""

    def __init__(self, features=3, classes=3):
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(classes, features))

    def forward(self, sequence, length):
        real = torch.arange(sequence.shape[1])[None, :, None] < length[:, :, None]
        return (sequence * real).sum(dim=1) @ self.weight.T / length


class LinearGraph(nn.Module):
    """Value = sum over visited cells of w times their features and those of the cells from which the eye came."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(5))

    def forward(self, nodes, edges, visited):
        come = torch.eye(nodes.shape[1]) + (edges != 0).to(nodes.dtype).transpose(1, 2)
        return ((come @ nodes) * visited[:, :, None]).sum(dim=1) @ self.weight[:, None]


def model_of(what, recording, **more):
    torch.manual_seed(0)
    name, args = ARGS[what]
    model = build(name, {**args, **more}, recording.spec).eval()
    nn.init.normal_(model.head.output.weight, std=3.0)  # an untrained net hardly answers to its input
    return model


def test_a_fixation_of_a_linear_model_gets_weight_times_its_distance_from_the_training_mean(scanpaths):
    recording, model = scanpaths("sequence"), LinearSequence()
    row = int(rows_of(recording, "test")[1])
    section, _, maps = explain_samples(recording, {"teacher": model}, [row], reference(recording), SETTINGS)
    sample = section["samples"][0]
    found, (target,) = sample["scanpath"], section["targets"]
    chosen = recording.spec.classes.index(target.removeprefix("class "))
    weight = model.weight.detach().numpy()
    margin = weight[chosen] - np.delete(weight, chosen, axis=0).mean(axis=0)
    own, (spec, _) = recording.inputs[row], recording.spec.inputs
    n = int(own["length"][0])
    moved = (own["sequence"][:n] - spec.mean) / spec.std  # from the training mean, in its standard deviations
    exact = moved * margin / n
    assert np.allclose(maps[f"0/teacher/{target}/sequence"], exact, atol=1e-5)
    assert np.allclose(found["by_fixation"]["teacher"][target], exact.sum(axis=1), atol=1e-5)
    assert list(found["by_feature"]["teacher"][target].values()) == pytest.approx(exact.sum(axis=0).tolist(), abs=1e-5)
    assert np.allclose(np.column_stack([found["x_px"], found["y_px"]]), recording.points[row], atol=1e-3)
    assert found["duration_ms"] == pytest.approx(own["sequence"][:n, 2].tolist())
    assert sample["completeness_percent"]["teacher"][target] < 1e-2
    assert section["baseline"] == "mean training fixation at every step" and set(
        found["by_feature"]["teacher"][target]
    ) == {
        "x",
        "y",
        "duration",
    }
    json.dumps(section, allow_nan=False)


def test_a_cell_of_a_linear_graph_model_gets_weight_times_its_features_and_unvisited_cells_nothing(scanpaths):
    recording, model = scanpaths("graph", "value"), LinearGraph()
    row = int(rows_of(recording, "test")[0])
    section, _, maps = explain_samples(recording, {"teacher": model}, [row], reference(recording), SETTINGS)
    found, own = section["samples"][0]["graph"], recording.inputs[row]
    cells = np.flatnonzero(own["visited"])
    leaves = (own["edges"] != 0).sum(axis=1)  # to each of them the cell's features are carried
    weight = model.weight.detach().numpy()
    exact = own["nodes"] * weight * (1 + leaves)[:, None]
    assert found["cells"] == cells.tolist() and len(cells) < 100
    assert np.allclose(found["by_node"]["teacher"]["value"], exact[cells].sum(axis=1), atol=1e-5)
    assert np.allclose(maps["0/teacher/value/nodes"], exact[cells], atol=1e-5)
    assert section["samples"][0]["completeness_percent"]["teacher"]["value"] < 1e-2
    assert (section["target_unit"], section["targets"]) == ("ms", ["value"])
    assert {(one["from"], one["to"]) for one in found["edges"]} == set(zip(*np.nonzero(own["edges"]), strict=True))
    column = np.array(found["cells"]) % 10
    assert np.allclose(found["x_px"], (column + 0.5) * 80)


@pytest.mark.parametrize("what", ["sequence", "graph", "both"])
def test_lengths_masks_and_transitions_are_held(what, scanpaths):
    recording = scanpaths(what)
    sample = recording[0]
    inputs = collate([sample], recording.spec).inputs
    parts = parts_of(recording.spec, inputs)
    reference = mean_inputs(recording, rows_of(recording, "train"))
    there = baseline_of(parts, inputs, reference)
    names = [one.name for one in recording.spec.inputs]
    for name, own, other in zip(names, inputs, there, strict=True):
        held = name in ("length", "edges", "visited")
        assert torch.equal(own, other) == held
        assert held == (name not in moved_names(recording.spec))
        if name in ("sequence", "nodes"):
            assert not other.any()  # the training mean, after normalisation; nothing said about a cell
    assert len(parts.moved(inputs)) == len(moved_names(recording.spec))


def test_a_model_that_cannot_be_asked_about_its_lengths_is_explained_all_the_same(scanpaths):
    recording = scanpaths("graph")
    model = model_of("graph", recording, convolution="gin")  # knows of an edge only whether it is there
    batch = collate([recording[0]], recording.spec)
    parts = parts_of(recording.spec, batch.inputs)
    there = baseline_of(parts, batch.inputs, mean_inputs(recording, rows_of(recording, "train")))
    target = targets_for(recording.spec, 0)[0]
    assert wrong_gradients(model, Question(target, batch.inputs, batch.target, there, parts)) is None
    found = integrated_gradients(model, target, batch.inputs, batch.target, there, steps=64, parts=parts)
    assert len(found.maps) == 1 and found.completeness_percent < 5


def test_a_wrong_gradient_is_still_found_where_inputs_are_held(scanpaths):
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(_, x):
            return x.clone()

        @staticmethod
        def backward(_, gradient):
            return 2 * gradient

    class Wrong(nn.Module):
        def forward(self, x):
            return Doubled.apply(x)

    recording = scanpaths("sequence")
    model = model_of("sequence", recording)
    model.projection = Wrong()
    batch = collate([recording[0]], recording.spec)
    parts = parts_of(recording.spec, batch.inputs)
    there = baseline_of(parts, batch.inputs, [torch.zeros_like(one) for one in batch.inputs])
    question = Question(targets_for(recording.spec, 0)[0], batch.inputs, batch.target, there, parts)
    assert "'projection' (Wrong) is wrong by 100 %" in wrong_gradients(model, question)


@pytest.mark.parametrize("what", ["sequence", "graph", "both"])
def test_methods_for_pictures_alone_are_left_out_with_a_reason(what, scanpaths):
    recording = scanpaths(what)
    models = {"teacher": model_of(what, recording)}
    rows = [int(row) for row in rows_of(recording, "test")[:2]]
    section, _, shown = explain_samples(recording, models, rows, reference(recording), SETTINGS)
    questions = questions_of(recording, models["teacher"], rows, reference(recording))
    verdicts, maps = check_methods(recording, models, questions, Given(section["samples"], shown), SETTINGS, 0)
    found = {one["name"]: one for one in verdicts}
    for name in ("Grad-CAM", "occlusion"):
        assert not found[name]["offered"] and "made for pictures alone" in found[name]["reason"]
    assert found["integrated gradients"]["completeness_percent"] < 5
    assert found["saliency"]["offered"] and found["input x gradient"]["milliseconds"] > 0
    assert all(np.isfinite(one).all() for one in maps.values())


def test_shapley_values_need_two_inputs_and_add_up(scanpaths):
    for what, names in (("sequence", None), ("graph", None), ("both", {"picture", "sequence"})):
        recording = scanpaths(what)
        model = model_of(what, recording)
        row = int(rows_of(recording, "test")[0])
        models, questions = {"teacher": model}, questions_of(recording, model, [row], reference(recording))
        layer = "head.image" if what == "both" else "head.output"
        (verdict,), (flowing,) = check_conductance(models, questions, layer, SETTINGS)
        assert verdict["offered"] == all(np.isfinite(flowing["conductance"].get("teacher", [np.nan])))
        (found,) = shapley_of(models, questions, moved_names(recording.spec))
        if names is None:
            assert found == {}
            continue
        ((target, values),) = found["teacher"].items()
        section, _, _ = explain_samples(recording, {"teacher": model}, [row], reference(recording), SETTINGS)
        assert set(values) == names
        assert sum(values.values()) == pytest.approx(section["samples"][0]["explained"]["teacher"][target], abs=1e-4)


def test_a_picture_beside_a_sequence_gets_its_map_and_the_scanpath_its_fixations(scanpaths):
    recording = scanpaths("both")
    row = int(rows_of(recording, "test")[0])
    section, _, maps = explain_samples(
        recording, {"teacher": model_of("both", recording)}, [row], reference(recording), SETTINGS
    )
    (target,) = section["targets"]
    n = len(recording.points[row])
    assert maps[f"0/teacher/{target}/picture"].shape == (16, 16) and maps["0/image/picture"].shape == (1, 16, 16)
    assert maps[f"0/teacher/{target}/sequence"].shape == (n, 3) and "0/image/sequence" not in maps
    assert section["baseline"] == "mean training image and the mean training fixation at every step"
    assert sum(section["samples"][0]["share_percent"]["teacher"][target].values()) == pytest.approx(100)


def test_only_true_fixations_are_deleted():
    model = LinearSequence(1, 2)
    here = (torch.tensor([[[1.0], [2.0], [4.0], [0.0]]]), torch.tensor([[3.0]]))
    there = (torch.zeros(1, 4, 1), here[1])
    parts = Parts((1,), {0: torch.tensor([True, True, True, False])})
    subject = Perturbed(model, here, there, lambda outputs: outputs, 2, parts)
    masks = (np.array([[[False]] * 3, [[True], [False], [False]], [[True]] * 3]),)
    weight = model.weight.detach().numpy()[:, 0]
    assert np.allclose(subject.predictions(masks), [7 / 3 * weight, 2 * weight, 0 * weight], atol=1e-6)


@pytest.mark.parametrize(("what", "kind"), [("sequence", "class"), ("graph", "value"), ("both", "class")])
def test_teacher_and_student_are_compared_over_the_test_set(tmp_path, what, kind, scanpaths):
    recording = scanpaths(what, kind)
    models = {"teacher": model_of(what, recording), "student": model_of(what, recording)}
    rows = [int(row) for row in rows_of(recording, "test")[::3]]
    found = measure_over(recording, models, rows, reference(recording), SETTINGS, 0, tmp_path / "over").sections
    assert found["anatomy"] is None
    assert found["agreement"]["rows"][0]["spearman"]["mean"] == pytest.approx(1)  # the same model twice
    assert found["agreement"]["unit"] == ("logit" if kind == "class" else "ms") and not found["agreement"]["pixels"]
    baseline = mean_inputs(recording, rows_of(recording, "train"))
    figures = figures_of(recording, models, rows[0], baseline, SETTINGS, 0)
    assert figures["curve/teacher/deletion"] == pytest.approx(figures["curve/student/deletion"])
    assert figures["curve/teacher/deletion"] > 0
