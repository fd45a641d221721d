"""Several targets at once: what a recording says of them, their losses on scales of their own, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from xgaze.data.checks.soundness import checked, summarise
from xgaze.data.contract import InputSpec, Spec, collate, rows_of, targets_of
from xgaze.data.open import as_trained, open_for_prediction, open_recording
from xgaze.data.source import same_data
from xgaze.data.sources.arrays import ArrayRecording
from xgaze.errors import InputError
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import sample_errors
from xgaze.evaluation.scores_beside import scores_beside
from xgaze.models.architectures.prediction import prediction_layers
from xgaze.models.layers import MainAlone, OfMain
from xgaze.models.registry import build
from xgaze.recipe import Training
from xgaze.recorded_targets import Beside
from xgaze.report.words import beside_in_words
from xgaze.training.losses import loss_of, of_each, weighted_loss
from xgaze.training.task import validation_figure
from xgaze.training.varied.mirror_images import partners_of

PUPIL = {"kind": "point", "columns": ["pu", "pv"], "unit": "px"}
DEPTH = {"kind": "value", "column": "depth", "unit": "mm"}
COLUMNS = {"pu": lambda table: table["x_px"] / 10, "pv": lambda table: table["y_px"] / 10}
EYE = InputSpec("eye", (1, 8, 8))
SPEC = Spec(
    (EYE,),
    "gaze",
    scene=(100, 100),
    beside=(Beside("pupil", "gaze", "px", (3.0, 4.0), 5.0), Beside("depth", "value", "mm", (60.0,), 2.0)),
    spread=50.0,
)


def several(manifest, **keys):
    return manifest(COLUMNS, targets_beside={"pupil": PUPIL, "depth": DEPTH}, **keys)


def test_a_manifest_names_targets_beside_the_main_one(manifest):
    data = several(manifest)
    recording = open_recording(data)
    spec = recording.spec
    names = ["gaze_x_px", "gaze_y_px", "depth", "pupil_x_px", "pupil_y_px"]  # a definition is in the alphabet's order
    assert spec.targets == names and spec.outputs == 5 and spec.own_columns == names[:2] == spec.main.targets
    assert list(recording.table)[-5:] == names and recording[3].target.dtype == np.float32
    np.testing.assert_allclose(recording[3].target[3:], recording[3].target[:2] / 10, rtol=1e-5)
    train = targets_of(recording, rows_of(recording, "train"))[:, 3:].astype(float)
    pupil = spec.beside[1]
    np.testing.assert_allclose(pupil.middle, train.mean(axis=0), rtol=1e-5)
    assert pupil.spread == pytest.approx(np.sqrt(train.var(axis=0).sum()), rel=1e-5) == pytest.approx(spec.spread / 10)
    assert [(one.name, where, alone.kind, alone.unit) for one, where, alone in spec.apart()] == [
        ("depth", slice(2, 3), "value", "mm"),
        ("pupil", slice(3, 5), "gaze", "px"),
    ]
    assert Spec.from_json(spec.to_json()) == spec and "beside" not in spec.main.to_json()
    assert collate([recording[0], recording[1]], spec).target.shape == (2, 5)
    assert not checked(data).faults


def test_people_of_other_training_have_another_spread(manifest):
    recording = open_recording(several(manifest))
    people = sorted(set(recording.table["group"]))
    other = recording.resplit({one: "train" if one.startswith("te") else "test" for one in people})
    own = targets_of(recording, rows_of(recording, "test"))[:, 2]
    assert other.spec.beside[0].middle == pytest.approx((own.mean(),)) != recording.spec.beside[0].middle


def test_what_a_model_was_not_trained_on_is_refused_and_labels_may_be_missing_to_predict(manifest):
    data = several(manifest)
    recording = open_recording(data)
    alone = open_recording(manifest(COLUMNS))
    with pytest.raises(
        InputError, match="targets beside none, but the model was trained with targets beside depth in mm, pup"
    ):
        as_trained(alone, recording.spec, "other.yaml")
    bare = several(manifest)
    table = bare.path.read_text().splitlines()
    keep = [k for k, name in enumerate(table[0].split(",")) if name not in ("pu", "pv", "depth", "split")]
    bare.path.write_text("\n".join(",".join(line.split(",")[k] for k in keep) for line in table))
    read = open_for_prediction(bare.path.with_suffix(".yaml"), recording.spec, data.model_copy(update={"seed": 1}))
    assert np.isnan(read[0].target[2:]).all() and np.isfinite(read[0].target[:2]).all()
    assert read.spec.beside == recording.spec.beside
    known = prediction_table(read, np.arange(2), np.zeros((2, 5)))
    assert "error_px" in known and "error_pupil_px" not in known and "prediction_depth" in known


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"targets_beside": {"pupil": {"kind": "class", "column": "side"}}},
            "is a point, an angle or a value, not 'class'",
        ),
        (
            {"targets_beside": {"depth": DEPTH}, "target": {"kind": "class", "column": "side"}},
            "beside classes there is no other",
        ),
        ({"targets_beside": {"depth": DEPTH}, "truth": "teacher"}, "there is one target alone"),
        ({"targets_beside": {"gaze": PUPIL}}, "'gaze' cannot be a target's name"),
        ({"targets_beside": {"pupil": {"kind": "point", "columns": ["pu"]}}}, "two columns, x and y"),
        ({"targets_beside": {"depth": {"kind": "value"}}}, "takes one column"),
    ],
)
def test_what_cannot_stand_beside_is_refused(manifest, keys, words):
    with pytest.raises(InputError, match=words):
        manifest(COLUMNS, **keys)


def test_a_label_that_is_missing_is_told_by_row_and_keeps_its_samples_apart(manifest):
    lacking = {**COLUMNS, "pu": lambda table: COLUMNS["pu"](table).mask(table.index == 4)}
    data = manifest(lacking, targets_beside={"pupil": PUPIL})
    found = {one["kind"]: one["first"] for one in summarise(checked(data).faults)}
    assert found == {"missing label": ["pupil: row 5: pu is empty; 1 of 70 rows."]}
    assert same_data(data, manifest(lacking))  # whoever says what is true, people are the same
    with pytest.raises(InputError, match="nothing says what targets_beside are in a mirror"):
        partners_of(open_recording(several(manifest, mirror_images={"left": "right"})))


def arrays(**keys):
    people = np.repeat([f"p{k}" for k in range(10)], 3)
    rng = np.random.default_rng(0)
    further = {
        "pupil": (rng.normal(size=(30, 2)), "mm"),
        "size": (rng.normal(size=30), "mm"),
        "way": (rng.normal(size=(30, 3)), "vector"),
    }
    return ArrayRecording(
        {"eye": np.zeros((30, 8, 8), np.uint8)}, rng.uniform(0, 99, (30, 2)), people, targets_beside={**further, **keys}
    )


def test_arrays_have_them_by_name_with_their_unit():
    recording = arrays()
    assert [(one.kind, one.unit) for one in recording.spec.beside] == [
        ("gaze", "mm"),
        ("value", "mm"),
        ("angle", "vector"),
    ]
    assert recording.spec.targets[2:] == ["pupil_x_mm", "pupil_y_mm", "size", "way_x", "way_y", "way_z"]
    assert recording[0].target.shape == (8,) and arrays().definition == recording.definition
    for name, given, words in (
        ("way", (np.ones((30, 2)), "vector"), "2 numbers of 'way' are no direction in vector"),
        ("size", (np.full(30, np.nan), "mm"), "'size': targets: some are not finite"),
        ("error", (np.ones(30), "mm"), "'error' cannot be a target's name"),
        ("size", (np.ones(29), "mm"), "different lengths"),
    ):
        with pytest.raises(InputError, match=words):
            arrays(**{name: given})


def test_each_is_learned_on_its_own_scale():
    rng = np.random.default_rng(1)
    said, truth = (torch.tensor(rng.normal(size=(6, 5)) * [50, 50, 5, 5, 2], dtype=torch.float32) for _ in range(2))
    apart = (said - truth) / torch.tensor([50, 50, 5, 5, 2])
    parts = [apart[:, :2], apart[:, 2:4], apart[:, 4:]]
    nothing = [torch.zeros_like(one) for one in parts]
    expected = sum(functional.smooth_l1_loss(one, zero) for one, zero in zip(parts, nothing, strict=True))
    torch.testing.assert_close(loss_of("smooth-l1", SPEC)(said, truth), expected)
    distances = sum((one.square().sum(dim=1) + 1e-8).sqrt().mean() for one in parts)
    torch.testing.assert_close(loss_of("euclidean", SPEC)(said, truth), distances)

    def half(ours, theirs):
        return weighted_loss("smooth-l1", ours, theirs, torch.full((6,), 0.5))

    torch.testing.assert_close(of_each(half, said, truth, SPEC), expected / 2)
    alone = loss_of("smooth-l1", SPEC.main)(said[:, :2], truth[:, :2])
    torch.testing.assert_close(alone, functional.smooth_l1_loss(said[:, :2] / 100, truth[:, :2] / 100))
    figure = validation_figure(SPEC, Training(), said, truth, torch.ones(6))
    torch.testing.assert_close(figure, (said - truth)[:, :2].norm(dim=1).mean())


def test_a_fresh_network_begins_with_the_middle_of_those_beside():
    head = torch.nn.Sequential(*prediction_layers(SPEC, 7).values())
    torch.nn.init.zeros_(head[0].weight)
    head[0].bias.data = torch.tensor([1.0, 2.0, 1.0, 0.0, -1.0])
    assert head(torch.ones(1, 7))[0].tolist() == [100.0, 200.0, 8.0, 4.0, 58.0]
    own = OfMain(torch.nn.Sigmoid(), 2)(torch.zeros(1, 5))
    assert own[0].tolist() == [0.5, 0.5, 0, 0, 0] and MainAlone(2)(own).shape == (1, 2)


def test_scores_of_each_in_its_own_unit_beside_the_mean():
    """A teacher that is 3 mm off in the pupil, a student that is 10 % further; the main target's score is its own."""
    recording = arrays()
    test, train = rows_of(recording, "test"), rows_of(recording, "train")
    truth = targets_of(recording, test)
    teacher, student = truth.copy(), truth.copy()
    teacher[:, 2], student[:, 2] = truth[:, 2] + 3, truth[:, 2] + 3.3
    student[:, 4] += 0.5
    student[:, 0] += 7
    pupil, size, way = scores_beside(recording, {"teacher": teacher, "student": student})
    assert (pupil["name"], pupil["kind"], pupil["unit"]) == ("pupil", "point", "mm")
    assert pupil["teacher"]["mean"] == pytest.approx(3, rel=1e-5) and pupil["worse_percent"]["mean"] == pytest.approx(
        10, rel=1e-4
    )
    assert size["student"]["mean"] == pytest.approx(0.5, rel=1e-5) and size["teacher"]["mean"] == 0
    assert size["worse_percent"] is None and way["unit"] == "degrees"  # nothing is a percentage of no error
    known = targets_of(recording, train)[:, 2:4].mean(axis=0)
    people = recording.table["group"].to_numpy(str)[test]
    apart = np.linalg.norm(truth[:, 2:4] - known, axis=1)
    assert pupil["mean"]["mean"] == pytest.approx(
        np.mean([apart[people == one].mean() for one in set(people)]), rel=1e-5
    )
    np.testing.assert_allclose(sample_errors(recording.spec, student, truth), 7, rtol=1e-5)
    assert beside_in_words([pupil])[0].startswith("pupil: teacher 3.00 mm (3.00 to 3.00), student 3.30 mm")
    alone = scores_beside(recording, {"teacher": teacher})[0]
    assert alone["student"] is None and alone["worse_percent"] is None
    table = prediction_table(recording, test, student)
    np.testing.assert_allclose(table["error_pupil_mm"], 3.3, rtol=1e-5)
    np.testing.assert_allclose(table["error_px"], 7, rtol=1e-5)
    np.testing.assert_array_equal(table[["truth_pupil_x_mm", "truth_pupil_y_mm"]], truth[:, 2:4])
    assert {"prediction_size", "error_size", "prediction_way_z", "error_way_degrees"} <= set(table)


ARGS = {"resnet": {"depth": 18, "channels": 4}, "multi-eye": {"first_stride": 2, "conv3_stride": 1}}


@pytest.mark.parametrize(("name", "side"), [("resnet", 16), ("lenet", 36), ("multi-eye", 96)])
def test_registered_networks_put_them_out_about_their_middle(name, side):
    spec = replace(SPEC, inputs=(InputSpec("eye", (1, side, side + 24)),))
    torch.manual_seed(0)
    model = build(name, ARGS.get(name, {}), spec).eval()
    with torch.no_grad():
        found = model(torch.randn(3, *spec.inputs[0].shape))
    assert found.shape == (3, 5)
    apart = (found[:, 2:] - torch.tensor([3.0, 4.0, 60.0])) / torch.tensor([5.0, 5.0, 2.0])
    assert apart.abs().max() < 10
    if name == "multi-eye":  # whose sigmoid is the main target's
        assert ((found[:, :2] > 0) & (found[:, :2] < 1000)).all()


def test_a_network_of_bins_tells_a_direction_alone():
    with pytest.raises(InputError, match="it tells pitch and yaw alone"):
        build("l2cs", {}, replace(SPEC, kind="angle", unit="rad", scene=None, inputs=(InputSpec("face", (3, 32, 32)),)))
