"""Cross validation: fresh weights inside, no tested person has a say, resumable, and the published protocol's replay."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from xgaze.artifacts import read_weights
from xgaze.data.contract import SPLITS, rows_of
from xgaze.errors import InputError
from xgaze.jobs import Fan
from xgaze.models.inference import predict
from xgaze.models.registry import build_architecture
from xgaze.training.crossval import fold as fold_run
from xgaze.training.crossval import nested
from xgaze.training.crossval import run as crossval
from xgaze.training.crossval.fold import Trained, read_fold, read_outputs, run_fold
from xgaze.training.crossval.folds import nested_folds, people_of
from xgaze.training.crossval.nested import best_epoch, refit_epochs, train_nested
from xgaze.training.crossval.paper import train_paper
from xgaze.training.crossval.run import Asked, cross_validate, finished_crossval

CLASSES = {
    "model": {"name": "heatmap-cnn", "args": {"channels": [4, 4]}},
    "training": {
        "epochs": 2,
        "batch_size": 24,
        "optimiser": "sgd",
        "learning_rate": 0.01,
        "loss": "cross-entropy",
        "schedule": "constant",
        "precision": "32-true",
    },
}


@pytest.fixture
def recipe(make_recipe):
    return make_recipe(**CLASSES)


@pytest.fixture
def fold(class_recording):
    people = people_of(class_recording.table["group"], crossval.class_names(class_recording))
    return nested_folds(people, 4, 2, 0)[0]


@pytest.fixture
def no_forest(monkeypatch):
    """Baselines that cost nothing, where they are not what is tested."""
    monkeypatch.setattr(fold_run, "baselines", lambda view, seed: {"none": np.zeros((len(rows_of(view, "test")), 2))})


def run(recipe, recording, folder, **asked):
    return cross_validate(recipe, recording, Asked(**{"outer": 3, "inner": 1, **asked}), folder, Fan(), lambda _: None)


def test_other_splits_leave_the_samples_where_they_are(class_recording):
    view = class_recording.resplit({"train0": "test", "test1": "train"})
    assert set(view.table["split"]) == {"train", "test", ""}
    assert set(view.table["group"].iloc[rows_of(view, "test")]) == {"train0"}
    assert view[7].id == class_recording[7].id and view.spec == class_recording.spec
    assert set(class_recording.table["split"]) == set(SPLITS)  # the recording itself is as it was


def test_the_best_epoch_is_the_first_lowest():
    assert best_epoch([0.9, 0.4, 0.4, 0.5]) == 2 and best_epoch([np.nan, 3.0, 2.0]) == 3


def test_the_refit_lasts_as_long_as_is_best_on_average():
    """Each training's own best epoch is the first or the second; together they are best at the third."""
    assert refit_epochs([[0.1, 0.8, 0.2], [0.9, 0.1, 0.2], [0.9, 0.2, 0.3]]) == 3
    assert refit_epochs([[0.5, 0.4, 0.6]]) == 2
    assert refit_epochs([[0.5, 0.4], [0.9, 0.8, 0.3]]) == 3  # the one that stopped keeps its 0.4


@pytest.mark.parametrize("seed", range(5))
def test_the_average_finds_the_best_length_through_noise_that_misleads_single_trainings(seed):
    rng, epochs = np.random.default_rng(seed), np.arange(1, 31)
    curves = [(epochs - 20) ** 2 / 400 + rng.normal(0, 0.1, 30) for _ in range(40)]
    alone = np.mean([abs(best_epoch(one) - 20) for one in curves])
    assert abs(refit_epochs(curves) - 20) < alone


def test_inner_weights_never_continue(tmp_path, recipe, class_recording, fold, monkeypatch):
    starts = []
    real = nested.fresh_model

    def fresh(*given):
        model = real(*given)
        starts.append({name: value.clone() for name, value in model.state_dict().items()})
        return model

    monkeypatch.setattr(nested, "fresh_model", fresh)
    trained = train_nested(recipe, class_recording, fold, tmp_path / "both", 5)
    assert len(starts) == 3  # two inner trainings and the refit
    expected = []
    for seed in (nested.seed_of(5, 1), nested.seed_of(5, 2), nested.seed_of(5, 0)):
        torch.manual_seed(seed)
        expected.append(build_architecture(recipe.model.model_dump(mode="json"), class_recording.spec).state_dict())
    for ours, theirs in zip(starts, expected, strict=True):
        assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    second = nested._inner_history(recipe, class_recording, fold.inner[1], tmp_path / "alone", nested.seed_of(5, 2))
    told = trained.history[trained.history["training"] == "inner 2"]
    assert told["validation_loss"].tolist() == pytest.approx(second["validation_loss"].tolist(), rel=1e-12)


def test_an_inner_training_whose_table_was_cut_short_is_done_again(tmp_path, recipe, class_recording, fold):
    folder = tmp_path / "inner-1"
    history = nested._inner_history(recipe, class_recording, fold.inner[0], folder, 3)
    whole = (folder / "inner.csv").read_text()
    (folder / "inner.csv").write_text(whole[: whole.rstrip().rindex("\n") + 1])
    assert nested._inner_history(recipe, class_recording, fold.inner[0], folder, 3).equals(history)
    assert (folder / "inner.csv").read_text() == whole and len(history) > 1


def test_the_refit_lasts_as_long_as_chosen_on_everyone_not_tested(tmp_path, recipe, class_recording, fold, monkeypatch):
    seen = []
    real = nested.training_loader
    monkeypatch.setattr(
        nested, "training_loader", lambda view, rows, *more: seen.append((view, rows)) or real(view, rows, *more)
    )
    longer = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 4})})
    _, history = nested._refit(longer, class_recording, fold, tmp_path, 0, 3)
    assert history["epoch"].tolist() == [0, 1, 2]
    (view, rows) = seen[0]
    assert set(view.table["group"].iloc[rows]) == set(fold.train)


def test_labels_of_tested_people_have_no_say(tmp_path, recipe, class_recording, fold):
    """Turning every tested label around changes neither the epochs chosen nor a single weight."""
    table = class_recording.table.copy()
    tested = table["group"].isin(fold.test)
    table.loc[tested, "label"] = 1 - table.loc[tested, "label"]
    turned = type(class_recording)(class_recording.spec, table, class_recording.images)
    ours = train_nested(recipe, class_recording, fold, tmp_path / "a", 0)
    theirs = train_nested(recipe, turned, fold, tmp_path / "b", 0)
    assert ours.selection == theirs.selection
    for name, value in ours.model.state_dict().items():
        assert torch.equal(value, theirs.model.state_dict()[name]), name


def test_everyone_is_tested_once_and_the_files_say_all(tmp_path, recipe, class_recording):
    folder = tmp_path / "crossval"
    found = run(recipe, class_recording, folder)
    assert found["participants_tested"] == found["participants"] == 28 and found["never_tested"] == []
    assert found["clean"] is True and found["folds"] == 3
    assert set(found["score"]) == {"unit", "mean", "low", "high"} and found["score"]["unit"] == "AUC"
    assert set(found["baselines"]) == {"majority class", "random forest on 16x16 pixels"}
    assert found["baselines"]["majority class"]["mean"] == 0.5  # within every fold, whatever their shares of classes
    pooled = pd.read_csv(folder / "predictions.csv")
    assert sorted(pooled["id"]) == sorted(class_recording.table["id"])
    assert json.loads((folder / "crossval.json").read_text()) == found
    splits = json.loads((folder / "splits.json").read_text())
    assert sorted(name for one in splits[0] for name in one["test"]) == sorted(set(class_recording.table["group"]))
    for number in (1, 2, 3):
        own = folder / "seed-0" / f"fold-{number}"
        history = pd.read_csv(own / "history.csv")
        assert {"epoch", "train_loss", "validation_loss", "validation_accuracy", "training"} <= set(history)
        model = build_architecture(recipe.model.model_dump(mode="json"), class_recording.spec)
        model.load_state_dict(read_weights(own / "model.safetensors"))
        rows, outputs = read_outputs(own)
        assert np.allclose(predict(model, class_recording, rows), outputs["teacher"], atol=1e-6)
        assert not (own / "training").exists()


def test_a_stopped_run_goes_on_fold_by_fold_and_ends_equal(tmp_path, recipe, class_recording, no_forest, monkeypatch):
    whole = run(recipe, class_recording, tmp_path / "whole")
    trained = []
    real = crossval.run_fold

    def counted(recipe, recording, fold, protocol, folder, seed):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(folder.name)
        real(recipe, recording, fold, protocol, folder, seed)

    monkeypatch.setattr(crossval, "run_fold", counted)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, class_recording, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "crossval.json").exists()
    trained.clear()
    resumed = run(recipe, class_recording, tmp_path / "stopped")
    assert trained == ["fold-3"]
    assert resumed["measures"] == whole["measures"] and resumed["confusion"] == whole["confusion"]
    trained.clear()
    more = run(recipe, class_recording, tmp_path / "stopped", outer=2)  # other folds: nothing of the old ones is used
    assert trained == ["fold-1", "fold-2"] and more["folds"] == 2


def test_what_is_finished_is_found_and_other_settings_are_refused(tmp_path, recipe, class_recording, no_forest):
    asked = Asked(outer=3, inner=1)
    assert finished_crossval(recipe, asked, tmp_path) is None
    found = run(recipe, class_recording, tmp_path)
    assert finished_crossval(recipe, asked, tmp_path) == found
    assert finished_crossval(recipe, Asked(outer=3, inner=1, seeds=2), tmp_path) is None  # more may follow
    with pytest.raises(
        InputError, match=r"holds a cross validation of other settings .*outer 3.*--force to replace it"
    ):
        finished_crossval(recipe, Asked(outer=4, inner=1), tmp_path)


def test_published_protocol_goes_on_with_the_same_weights_and_is_stamped(tmp_path, recipe, class_recording, no_forest):
    found = run(recipe, class_recording, tmp_path, outer=3, inner=2, protocol="paper")
    assert found["clean"] is False and found["estimate"].startswith("not a clean estimate")
    assert found["participants_tested"] == 27 and len(found["never_tested"]) == 1  # 28 // 3 = 9 in every fold
    history = pd.read_csv(tmp_path / "seed-0" / "fold-1" / "history.csv")
    assert history["epoch"].tolist() == list(range(10)) and history["inner"].tolist() == [1] * 5 + [2] * 5
    best = history["validation_accuracy"]
    told = read_fold(tmp_path / "seed-0" / "fold-1")
    assert told["epochs"] == int(best.to_numpy().argmax()) + 1  # strictly greater: the first of equals


def test_published_protocol_is_for_classes(tmp_path, make_recipe, gaze_recording):
    people = people_of(gaze_recording.table["group"], None)
    with pytest.raises(InputError, match="--protocol paper: the published protocol is for classes"):
        train_paper(make_recipe(), gaze_recording, nested_folds(people, 4, 2, 0)[0], tmp_path, 0)


def test_gaze_is_cross_validated_in_px_beside_its_baselines(tmp_path, make_recipe, gaze_recording):
    people = people_of(gaze_recording.table["group"], None)
    fold = nested_folds(people, 4, 1, 0)[0]

    def truth(recipe, recording, fold, work, seed):
        class Perfect(torch.nn.Module):
            def forward(self, *views):
                return torch.zeros(len(views[0]), 2)

        return Trained(Perfect(), pd.DataFrame({"training": ["inner 1"], "epoch": [0]}))

    run_fold(make_recipe(), gaze_recording, fold, truth, tmp_path, 0)
    rows, outputs = read_outputs(tmp_path)
    assert set(outputs) == {"teacher", "mean gaze", "pixel ridge 8x8"}
    assert set(gaze_recording.table["group"].iloc[rows]) == set(fold.test)
    known = gaze_recording.table[gaze_recording.table["group"].isin(fold.train)]
    expected = known[["gaze_x_px", "gaze_y_px"]].to_numpy().mean(axis=0)
    assert np.allclose(outputs["mean gaze"][0], expected, rtol=1e-5)  # fitted on the very people the model was
