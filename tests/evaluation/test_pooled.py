"""Pooled scores: equal to scikit-learn's where it has them, paired, over participants, and a permutation test."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score

from xgaze.data.contract import Spec
from xgaze.evaluation.classes.confusion import accuracy_of, f1_per_class, macro_f1, participant_confusions, weighted_f1
from xgaze.evaluation.intervals.resampling import draw_participants
from xgaze.evaluation.permutation import permutation_test, permute_labels
from xgaze.evaluation.pooled import pooled_figures, score_of

TWO = Spec((), "class", unit="AUC", classes=("TD", "ASD"))
THREE = Spec((), "class", unit="accuracy", classes=("a", "b", "c"))
GAZE = Spec((), "gaze", scene=(800, 600))


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 3, 200), rng.integers(0, 3, 200), rng.integers(0, 12, 200).astype(str)


def test_f1_and_accuracy_equal_scikit_learn(labels):
    truth, predicted, people = labels
    names, matrices = participant_confusions(truth, predicted, people, 3)
    total = matrices.sum(axis=0)
    assert (total == confusion_matrix(truth, predicted)).all()
    assert np.allclose(f1_per_class(total), f1_score(truth, predicted, average=None))
    assert weighted_f1(total) == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert macro_f1(total) == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert accuracy_of(total) == pytest.approx(accuracy_score(truth, predicted))
    for name, own in zip(names, matrices, strict=True):
        assert (own == confusion_matrix(truth[people == name], predicted[people == name], labels=range(3))).all()


def test_macro_f1_leaves_out_a_class_nobody_has_or_is_told():
    truth, predicted = [0, 0, 1, 1], [0, 1, 1, 1]
    _, matrices = participant_confusions(truth, predicted, ["x"] * 4, 3)
    assert macro_f1(matrices[0]) == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_participant_1_is_not_participant_11():
    names, matrices = participant_confusions([0, 1, 1], [0, 1, 0], ["1", "11", "11"], 2)
    assert names.tolist() == ["1", "11"]
    assert matrices.tolist() == [[[1, 0], [0, 0]], [[0, 0], [1, 1]]]


def test_draws_keep_the_number_of_people_of_every_stratum():
    weights = draw_participants(["a"] * 5 + ["b"] * 3, 50)
    assert (weights[:, :5].sum(axis=1) == 5).all() and (weights[:, 5:].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 20


def two_class_run(seeds=1):
    """20 people of one class each, 6 samples: outputs that tell something, and a baseline that tells nothing."""
    rng = np.random.default_rng(2)
    people = np.repeat([f"p{k:02d}" for k in range(20)], 6)
    targets = np.repeat(np.arange(20) % 2, 6)
    lean = targets + rng.normal(0, 1.2, (seeds, 120))
    return (
        {
            "teacher": np.stack([-lean, lean], axis=2),
            "majority class": np.tile(np.log([0.5, 0.5]), (seeds, 120, 1)),
        },
        targets,
        people,
    )


def test_two_classes_give_every_measure_as_scikit_learn_has_it():
    outputs, targets, people = two_class_run()
    figures = pooled_figures(TWO, outputs, targets, people)
    rows = {row["measure"]: row for row in figures["measures"]}
    assert list(rows) == ["AUC", "AUC of participants", "accuracy", "weighted F1", "macro F1", "F1 of TD", "F1 of ASD"]
    own = outputs["teacher"][0]
    chance = 1 / (1 + np.exp(own[:, 0] - own[:, 1]))
    assert rows["AUC"]["teacher"]["mean"] == pytest.approx(roc_auc_score(targets, chance))
    means = np.array([chance[people == name].mean() for name in np.unique(people)])
    by_person = roc_auc_score(np.arange(20) % 2, means)
    assert rows["AUC of participants"]["teacher"]["mean"] == pytest.approx(by_person)
    assert figures["score"] == {"unit": "AUC", **rows["AUC"]["teacher"]}
    assert figures["baselines"]["majority class"]["mean"] == 0.5
    assert rows["F1 of ASD"]["teacher"]["mean"] == pytest.approx(f1_score(targets, own.argmax(axis=1)))
    change = rows["AUC"]["against majority class"]
    assert change["mean"] == pytest.approx(rows["AUC"]["teacher"]["mean"] - 0.5) and change["low"] > 0
    assert (
        np.sum([one["matrix"] for one in figures["confusion"]["participants"]], axis=0).tolist()
        == (figures["confusion"]["sum"])
    )
    assert figures["permutation"]["p"] == pytest.approx(1 / 1001)
    assert figures["permutation"]["statistic"] == pytest.approx(rows["AUC"]["teacher"]["mean"])
    assert figures["permutation"]["mean"] == pytest.approx(0.5, abs=0.03)


def test_seeds_are_pooled_and_people_still_count_once():
    outputs, targets, people = two_class_run(seeds=2)
    figures = pooled_figures(TWO, outputs, targets, people)
    assert figures["permutation"]["statistic"] == pytest.approx(np.mean(figures["scores_of_seeds"]))
    assert len(figures["scores_of_seeds"]) == 2 and len(figures["per_participant"]) == 20
    assert np.sum(figures["confusion"]["sum"]) == 240 and figures["per_participant"][0]["samples"] == 6
    one = pooled_figures(TWO, {name: each[:1].repeat(2, axis=0) for name, each in outputs.items()}, targets, people)
    alone = pooled_figures(TWO, {name: each[:1] for name, each in outputs.items()}, targets, people)
    assert one["score"] == pytest.approx(alone["score"])  # the same seed twice is no more evidence


def test_people_with_both_classes_have_no_auc_of_participants(labels):
    targets, _, people = labels
    outputs = np.random.default_rng(3).normal(size=(1, 200, 2))
    figures = pooled_figures(TWO, {"teacher": outputs}, targets % 2, people)
    assert "AUC of participants" not in {row["measure"] for row in figures["measures"]}


def test_many_classes_are_scored_by_accuracy(labels):
    targets, _, people = labels
    outputs = np.eye(3)[targets][None] + np.random.default_rng(4).normal(0, 0.5, (1, 200, 3))
    figures = pooled_figures(THREE, {"teacher": outputs}, targets, people)
    assert figures["score"]["unit"] == "accuracy"
    assert figures["score"]["mean"] == pytest.approx((outputs[0].argmax(axis=1) == targets).mean())


def test_gaze_is_scored_in_px_with_paired_differences():
    truth = np.zeros((40, 2))
    outputs = {"teacher": np.full((1, 40, 2), 3.0) * [1, 4 / 3], "mean gaze": np.full((1, 40, 2), 6.0) * [1, 4 / 3]}
    figures = pooled_figures(GAZE, outputs, truth, np.repeat(list("abcd"), 10))
    assert figures["score"] == pytest.approx({"unit": "px", "mean": 5.0, "low": 5.0, "high": 5.0})
    assert figures["measures"][0]["against mean gaze"]["mean"] == pytest.approx(-5.0)
    assert figures["confusion"] is None and figures["permutation"] is None
    assert figures["per_participant"][0] == {"group": "a", "samples": 10, "error": 5.0}


def test_values_are_scored_by_absolute_error_in_their_unit():
    spec = Spec((), "value", unit="ms", groups="stimuli")
    outputs = {"teacher": np.full((2, 40, 1), 7.0), "mean value": np.full((2, 40, 1), -9.0)}
    figures = pooled_figures(spec, outputs, np.zeros((40, 1), np.float32), np.repeat(list("abcd"), 10))
    assert figures["score"] == pytest.approx({"unit": "ms", "mean": 7.0, "low": 7.0, "high": 7.0})
    assert figures["measures"][0]["against mean value"]["mean"] == pytest.approx(-2.0)


def test_the_score_of_a_fold_with_one_class_is_not_defined():
    assert score_of(TWO, np.zeros((3, 2)), np.ones(3, int), np.arange(3)) is None


def folded_run():
    """12 people, two thirds of one class and 4 samples each, in 3 folds of 2 seeds; each model leans its own way, a guess of
    training shares differs from fold to fold."""
    rng = np.random.default_rng(5)
    people, targets = np.repeat([f"p{k:02d}" for k in range(12)], 4), np.repeat(np.arange(12) % 3 == 0, 4).astype(int)
    folds = np.stack([np.repeat(rng.permutation(np.arange(12) % 3), 4) for _ in range(2)])
    lean = targets + rng.normal(0, 1, (2, 48)) + 5 * folds
    shares = np.array([0.3, 0.4, 0.2])[folds]
    guess = np.log(np.stack([1 - shares, shares], axis=2))
    return {"teacher": np.stack([-lean, lean], axis=2), "majority class": guess}, targets, people, folds


def test_a_constant_guess_has_half_in_every_fold_and_pooled():
    outputs, targets, people, folds = folded_run()
    figures = pooled_figures(TWO, outputs, targets, people, folds=folds)
    rows = {row["measure"]: row["majority class"]["mean"] for row in figures["measures"]}
    assert rows["AUC"] == rows["AUC of participants"] == figures["baselines"]["majority class"]["mean"] == 0.5
    pooled_over_folds = roc_auc_score(targets, outputs["majority class"][0, :, 1])
    assert pooled_over_folds != 0.5  # what punished it for its folds


def test_folds_are_scored_within_and_averaged_by_their_pairs():
    outputs, targets, people, folds = folded_run()
    figures = pooled_figures(TWO, outputs, targets, people, folds=folds)
    areas, pairs = [], []
    for seed, fold in [(seed, fold) for seed in range(2) for fold in range(3)]:
        own = folds[seed] == fold
        if 0 < targets[own].sum() < own.sum():
            areas.append(roc_auc_score(targets[own], outputs["teacher"][seed, own, 1]))
            pairs.append(targets[own].sum() * (own.sum() - targets[own].sum()))
    assert figures["score"]["mean"] == pytest.approx(np.average(areas, weights=pairs))
    assert figures["permutation"]["statistic"] == pytest.approx(figures["score"]["mean"])
    assert figures["permutation"]["mean"] == pytest.approx(0.5, abs=0.05)
    assert figures["score"]["low"] > 0.5


def test_classes_are_permuted_among_people_as_a_whole():
    people, labels = np.repeat(list("abcdef"), 3), np.repeat([0, 0, 0, 1, 1, 1], 3)
    for one in permute_labels(labels, people, 30):
        assert (np.ptp(one.reshape(6, 3), axis=1) == 0).all()
        assert one.sum() == 9


def test_people_of_several_classes_keep_their_counts():
    people, labels = np.repeat(list("ab"), [4, 6]), np.array([0, 1, 1, 1, 0, 0, 0, 0, 0, 1])
    for one in permute_labels(labels, people, 30):
        assert one[:4].sum() == 3 and one[4:].sum() == 1


def test_p_is_one_plus_as_high_over_one_plus_all():
    people, labels = np.array(list("abcd")), np.array([0, 0, 1, 1])
    found = permutation_test(lambda one: float((one == labels).mean()), labels, people, permutations=300)
    hits = sum((one == labels).all() for one in permute_labels(labels, people, 300))
    assert found.p == (1 + hits) / 301 and found.statistic == 1.0
    assert found.p == pytest.approx(1 / 6, abs=0.06)  # one of the six ways to have two of each
    assert permutation_test(lambda one: 0.0, labels, people, permutations=50).p == 1.0


def test_folds_of_one_class_each_have_no_area_and_are_scored_by_accuracy():
    outputs, targets, people = two_class_run()
    figures = pooled_figures(TWO, outputs, targets, people, folds=targets[None])
    assert [row["measure"] for row in figures["measures"]][:2] == ["accuracy", "weighted F1"]
    right = (outputs["teacher"][0].argmax(axis=1) == targets).mean()
    assert (figures["score"]["unit"], figures["score"]["mean"]) == ("accuracy", pytest.approx(right))
    assert figures["permutation"]["score"] == "accuracy" and figures["scores_of_seeds"] == [None]


def test_errors_of_a_fold_are_averaged_over_people_not_samples():
    truth, people = np.zeros((4, 2)), np.array(["few", "many", "many", "many"])
    outputs = np.array([[9.0, 0], [1, 0], [1, 0], [1, 0]])
    assert score_of(GAZE, outputs, truth, people) == 5.0
