from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, rows_of, targets_of
from xgaze.evaluation.baselines import PENALTIES, baselines, pooled, pooled_pixels
from xgaze.evaluation.batched_ridge import fit_ridge
from xgaze.evaluation.classes.classification import accuracy, auc, f1, probabilities
from xgaze.evaluation.gaze import distance_of_points
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import compare, sample_errors, summarise
from xgaze.report.claims import over_samples_in_words
from xgaze.report.words import plain_name

GAZE = Spec((InputSpec("eye0", (1, 4, 4)),), "gaze", scene=(800, 600))
TWO = Spec((InputSpec("image", (1, 4, 4)),), "class", unit="AUC", classes=("a", "b"))


def test_the_error_is_euclidean_and_refuses_to_broadcast():
    assert distance_of_points([[0, 0], [3, 4]], [[0, 0], [0, 0]]).tolist() == [0, 5]
    for wrong in ([[1, 2]], [1, 2], [[1], [2]]):
        with pytest.raises(ValueError, match="must both be"):
            distance_of_points(wrong, [[0, 0], [0, 0]])


def test_auc_agrees_with_scikit_learn_on_probabilities_and_does_not_saturate():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 2)), rng.integers(0, 2, 200)
    assert auc(logits, labels) == pytest.approx(roc_auc_score(labels, probabilities(logits)[:, 1]), abs=1e-12)
    huge = np.array([[0, 50.0], [0, 60.0]])  # both probabilities round to 1
    assert auc(huge, [0, 1]) == 1.0
    assert auc(np.zeros((4, 2)), [0, 1, 0, 1]) == 0.5
    with pytest.raises(ValueError, match="two classes"):
        auc(np.zeros((4, 3)), [0, 1, 0, 1])


def test_f1_of_a_majority_guess():
    labels = np.array([0] * 256 + [1] * 84)
    guess = np.tile([1.0, 0.0], (340, 1))
    assert accuracy(guess, labels) == pytest.approx(0.753, abs=5e-4)
    assert f1(guess, labels) == pytest.approx(0.647, abs=5e-4)


def test_worse_is_positive_for_both_kinds_of_score():
    people = np.repeat(np.arange(10), 4)
    truth = np.zeros((40, 2))
    worse, better = np.full((40, 2), 3.0), np.full((40, 2), 2.0)
    assert compare(GAZE, worse, better, truth, people).mean == pytest.approx(50)
    labels = np.repeat([0, 1], 20)
    good = np.stack([-labels, labels], axis=1) + 0.0
    flat = np.zeros((40, 2))
    assert compare(TWO, flat, good, labels, people).mean == pytest.approx(50)  # points: an AUC of 0.5 against 1


def test_where_people_gave_unequally_many_the_mean_over_samples_is_told_too():
    people = np.array(["a"] * 9 + ["b"])
    outputs = np.zeros((10, 2))
    outputs[9] = [30, 40]
    told = summarise(GAZE, outputs, np.zeros((10, 2)), people).to_json()
    assert told["mean"] == pytest.approx(25) and told["over_samples"] == pytest.approx(5)
    assert over_samples_in_words(told) == "; mean over all samples, people counting by how many they gave, 5.0 px"
    alike = summarise(GAZE, outputs, np.zeros((10, 2)), np.repeat(["a", "b"], 5)).to_json()
    assert "over_samples" not in alike and over_samples_in_words(alike) == ""


def test_summaries():
    people = np.repeat(np.arange(10), 4)
    found = summarise(GAZE, np.full((40, 2), 3.0), np.zeros((40, 2)), people)
    assert (found.unit, found.mean, found.low, found.high) == ("px", *[pytest.approx(np.sqrt(18))] * 3)
    labels = np.repeat([0, 1], 20)
    perfect = summarise(TWO, np.stack([-labels, labels], axis=1) * 1.0, labels, people)
    assert (perfect.unit, perfect.mean, perfect.high, perfect.median) == ("AUC", 1.0, pytest.approx(1, abs=0.01), 1.0)
    assert perfect.low < 0.9  # ten people of ten do not show that everybody is told right


def test_sample_errors_of_classes_are_the_missing_probability():
    errors = sample_errors(TWO, np.array([[0.0, 0.0], [0.0, 100.0]]), np.array([0, 1]))
    assert errors.tolist() == pytest.approx([0.5, 0.0])


def test_gaze_baselines(gaze_recording):
    guesses = baselines(gaze_recording)
    test = rows_of(gaze_recording, "test")
    truth = targets_of(gaze_recording, test)
    train_mean = targets_of(gaze_recording, rows_of(gaze_recording, "train")).mean(axis=0)
    assert np.allclose(guesses["mean gaze"], train_mean)
    errors = {name: distance_of_points(guess, truth).mean() for name, guess in guesses.items()}
    assert errors["pixel ridge 8x8"] < 0.5 * errors["mean gaze"]


def test_class_baselines(class_recording):
    guesses = baselines(class_recording)
    truth = targets_of(class_recording, rows_of(class_recording, "test"))
    assert auc(guesses["majority class"], truth) == 0.5
    assert auc(guesses["random forest on 16x16 pixels"], truth) > 0.95


def test_pooled_pixels_are_area_means(gaze_recording):
    pooled = pooled_pixels(gaze_recording, np.array([0]), 1)
    images = gaze_recording.images[0].astype(float)
    expected = (images.mean(axis=(1, 2)) - 40) / 60
    assert pooled[0].tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_vectors_and_sequences_are_pooled_as_they_are():
    vectors, steps = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(1, 4, 3)
    assert pooled(vectors, 8).equal(vectors)
    assert pooled(steps, 2).tolist() == [[1.5, 7.5, 2.5, 8.5, 3.5, 9.5]]
    assert pooled(torch.ones(2, 1, 4, 6, 6), 1).shape == (2, 4)


@dataclass
class Vectors(Recording):
    """Three numbers a sample, of which the gaze point is a sum."""

    spec: Spec
    table: pd.DataFrame

    def __getitem__(self, row):
        given = self.table[["gaze_x_px", "gaze_y_px"]].iloc[row].to_numpy(np.float32)
        inputs = {"angles": np.array([given[0] - given[1], given[1], 5], np.float32)}
        return Sample(str(row), {"group": self.table["group"].iloc[row]}, inputs, given)


def test_vectors_have_a_ridge_of_their_own(gaze_recording):
    spec = Spec((InputSpec("angles", (3,), 0.0, 1.0, "float32"),), "gaze", scene=(800, 600))
    guesses = baselines(Vectors(spec, gaze_recording.table))
    truth = targets_of(gaze_recording, rows_of(gaze_recording, "test"))
    assert set(guesses) == {"mean gaze", "ridge on the inputs"}
    assert (
        distance_of_points(guesses["ridge on the inputs"], truth).mean()
        < 5
        < distance_of_points(guesses["mean gaze"], truth).mean()
    )


@dataclass
class HeadAndNoise(Vectors):
    """A picture that says nothing, the head's pose, of which the gaze point is a sum, and a number that says nothing."""

    def __getitem__(self, row):
        sample = super().__getitem__(row)
        noise = np.random.default_rng(row)
        head = sample.inputs["angles"] / 100
        eye = noise.integers(0, 256, (1, 4, 4)).astype(np.uint8)
        inputs = {"head": head, "eye": eye, "lux": noise.normal(size=1).astype(np.float32)}
        return Sample(sample.id, sample.groups, inputs, sample.target)


def test_vectors_beside_pictures_have_a_ridge_of_their_own(gaze_recording):
    head, lux = (InputSpec(name, (many,), 0.0, 1.0, "float32") for name, many in (("head", 3), ("lux", 1)))
    spec = Spec((head, InputSpec("eye", (1, 4, 4)), lux), "gaze", scene=(800, 600))
    recording = HeadAndNoise(spec, gaze_recording.table)
    guesses = baselines(recording)
    assert list(guesses) == ["mean gaze", "pixel ridge 8x8", "ridge on head, lux"]
    train, test = (rows_of(recording, one) for one in ("train", "test"))
    told = [
        np.stack([np.append(*map(recording[row].inputs.get, ("head", "lux"))) for row in rows])
        for rows in (train, test)
    ]
    alone = fit_ridge(lambda: [(told[0], targets_of(recording, train))], PENALTIES).predict(told[1])
    np.testing.assert_allclose(guesses["ridge on head, lux"], alone, rtol=1e-6)
    assert distance_of_points(guesses["ridge on head, lux"], targets_of(recording, test)).mean() < 5
    no_head = replace(spec, inputs=(spec.inputs[1], replace(lux, name="lux")))
    assert list(baselines(HeadAndNoise(no_head, gaze_recording.table))) == [
        "mean gaze",
        "pixel ridge 8x8",
        "ridge on lux",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ridge on head", "a straight-line fit on head alone"),
        ("ridge on the inputs", "a straight-line fit on the inputs"),
        ("pixel ridge 8x8", "a straight-line fit on pictures of 8 × 8 pixels"),
    ],
)
def test_baselines_have_plain_names(name, words):
    assert plain_name(name) == words


def test_a_forest_of_many_pictures_says_of_how_many(class_recording, monkeypatch):
    monkeypatch.setattr("xgaze.evaluation.baselines.FOREST_ROWS", 50)
    guesses = baselines(class_recording)
    truth = targets_of(class_recording, rows_of(class_recording, "test"))
    assert auc(guesses["random forest on 16x16 pixels of 50 samples"], truth) > 0.9


def test_the_prediction_table(gaze_recording, class_recording):
    rows = rows_of(gaze_recording, "test")[:3]
    table = prediction_table(gaze_recording, rows, targets_of(gaze_recording, rows) + np.array([3, 4]))
    assert table["error_px"].tolist() == pytest.approx([5, 5, 5], rel=1e-4)
    table = prediction_table(class_recording, rows, np.tile([0.0, 0.0], (3, 1)))
    assert table["prediction"].tolist() == ["left"] * 3 and table["probability_left"].tolist() == [0.5] * 3


@pytest.mark.parametrize("task", ["gaze", "class"])
def test_truth_and_error_are_empty_where_a_label_is_missing(task, gaze_recording, class_recording):
    recording = gaze_recording if task == "gaze" else class_recording
    rows, error = rows_of(recording, "test")[:2], "error_px" if task == "gaze" else "error"
    partly, unlabelled = (
        replace(recording, table=recording.table.copy()),
        replace(recording, table=recording.table.copy()),
    )
    for one, hidden in ((partly, rows[:1]), (unlabelled, rows)):
        if task == "gaze":
            one.table.loc[hidden, ["gaze_x_px", "gaze_y_px"]] = np.nan
        else:
            one.table.loc[hidden, "label"] = -1
    table = prediction_table(partly, rows, np.zeros((2, 2)))
    assert table[error].isna().tolist() == [True, False]
    assert error not in prediction_table(unlabelled, rows, np.zeros((2, 2)))
