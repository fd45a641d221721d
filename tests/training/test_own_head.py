"""After a training its head alone: a linear head ends at the least squares of what the towers make, and the towers stay."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.data.contract import rows_of, targets_of
from xgaze.errors import InputError
from xgaze.models.inference import head_outputs, predict
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Training
from xgaze.training import teacher
from xgaze.training.crossval.folds import nested_folds, people_of
from xgaze.training.crossval.nested import train_nested
from xgaze.training.crossval.paper import train_paper
from xgaze.training.tuning import HEAD, features_of, kept_embeddings, tune_own_head

SETTINGS = Training(epochs=1, head_epochs=300, learning_rate=20, loss="root-mse", weight_decay=0, precision="32-true")


class Coarse(FeatureHead):
    """Each picture averaged over 4 x 4 places, and a linear head that begins at zero."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.gain = nn.Parameter(torch.ones(1))
        self.head = nn.Sequential(nn.Linear(32, 2))
        for value in self.head.parameters():
            nn.init.zeros_(value)

    def features(self, *inputs):
        return self.gain * torch.cat([self.pool(x).flatten(1) for x in inputs], 1)


@pytest.fixture
def embedded(gaze_recording, tmp_path):
    """split -> what the towers make of it."""
    return {
        split: kept_embeddings(
            Coarse(), HEAD, gaze_recording, rows_of(gaze_recording, split), tmp_path / f"{split}.npy"
        )
        for split in ("train", "validation")
    }


def test_a_linear_head_ends_near_least_squares_and_the_towers_stay(gaze_recording, embedded, tmp_path):
    model, rows = Coarse(), rows_of(gaze_recording, "train")
    tune_own_head(model, gaze_recording, SETTINGS, tmp_path / "head", 0, "training")
    ones = np.ones((len(rows), 1), np.float32)
    best = np.linalg.lstsq(np.hstack([embedded["train"], ones]), targets_of(gaze_recording, rows), rcond=None)[0]
    targets = targets_of(gaze_recording, rows)

    def error_px(outputs):
        return float(np.sqrt(((outputs - targets) ** 2).mean()))

    least = error_px(np.hstack([embedded["train"], ones]) @ best)
    assert least <= error_px(predict(model, gaze_recording, rows)) < least + 0.05 * error_px(0)
    assert torch.equal(model.gain, torch.ones(1))


def test_a_head_of_constants_stays_as_it_is(gaze_recording, tmp_path):
    model = Coarse()
    model.head.requires_grad_(False)[0].weight.fill_(2)
    tune_own_head(model, gaze_recording, SETTINGS, tmp_path / "head", 0, "training")
    assert torch.equal(model.head[0].weight, torch.full((2, 32), 2.0))


def test_embeddings_are_what_enters_the_head(gaze_recording, embedded):
    model, rows = Coarse(), rows_of(gaze_recording, "validation")
    nn.init.normal_(model.head[0].weight)
    np.testing.assert_allclose(
        head_outputs(model.head, embedded["validation"]), predict(model, gaze_recording, rows), rtol=1e-5, atol=1e-4
    )


def test_people_of_few_frames_count_as_much(gaze_recording):
    rows = rows_of(gaze_recording, "validation")
    people = gaze_recording.table["group"].to_numpy(str)[rows]
    uneven = np.concatenate([rows[people == people[0]][:1], rows[people != people[0]]])
    found = features_of(gaze_recording, uneven, np.zeros((len(uneven), 1), np.float32))
    names = gaze_recording.table["group"].to_numpy(str)[uneven]
    sums = [found.weights[names == name].sum() for name in sorted(set(names))]
    np.testing.assert_allclose(sums, sums[0], rtol=1e-6)


def test_a_stopped_tuning_collects_nothing_again_and_ends_the_same(gaze_recording, tmp_path, monkeypatch):
    def tuned(folder):
        model = Coarse()
        tune_own_head(model, gaze_recording, SETTINGS.model_copy(update={"head_epochs": 3}), folder, 0, "training")
        return predict(model, gaze_recording, rows_of(gaze_recording, "test"))

    whole = tuned(tmp_path / "head")
    (tmp_path / "head" / "fitted.json").unlink()
    monkeypatch.setattr("xgaze.training.tuning.collect_embeddings", None)  # would fail
    np.testing.assert_array_equal(tuned(tmp_path / "head"), whole)


def test_a_teacher_is_the_same_with_a_better_head(gaze_recording, make_recipe, tmp_path):
    training = {"epochs": 1, "batch_size": 12, "precision": "32-true", "loss": "euclidean"}
    kept = {}
    for epochs in (0, 5):
        recipe = make_recipe(training={**training, "head_epochs": epochs})
        folder = tmp_path / str(epochs)
        teacher.train_teacher(recipe, gaze_recording, folder)
        kept[epochs] = pd.read_csv(folder / "history.csv")
        assert not (folder / "training").exists()
    assert list(kept[5]["epoch"]) == [0, 1, 2, 3, 4, 5]
    pd.testing.assert_frame_equal(kept[5][:1], kept[0])
    figure = "validation_error_px"
    assert kept[5][figure].min() < kept[0][figure].min()


def test_recipes_without_it_are_what_they_were(make_recipe):
    assert "head_epochs" not in make_recipe().training.model_dump()
    assert make_recipe().teacher_hash() != make_recipe(training={"head_epochs": 1}).teacher_hash()


def test_a_cross_validation_tunes_the_head_of_its_refit(class_recording, make_recipe, tmp_path):
    people = people_of(class_recording.table["group"], [str(one) for one in targets_of(class_recording)])
    fold = nested_folds(people, 4, 2, 0)[0]
    outputs = []
    for epochs in (0, 4):
        recipe = make_recipe(
            model={"name": "heatmap-cnn", "args": {"channels": [4, 4]}},
            training={
                "epochs": 1,
                "batch_size": 24,
                "loss": "cross-entropy",
                "precision": "32-true",
                "head_epochs": epochs,
            },
        )
        trained = train_nested(recipe, class_recording, fold, tmp_path / str(epochs), 0)
        towers = {k: v for k, v in trained.model.state_dict().items() if not k.startswith("head.")}
        outputs.append((towers, trained.model.head.state_dict()))
    (plain, plain_head), (tuned, tuned_head) = outputs
    assert all(torch.equal(plain[name], tuned[name]) for name in plain)
    assert any(not torch.equal(plain_head[name], tuned_head[name]) for name in plain_head)


def test_what_a_stopped_refit_embedded_is_not_used(class_recording, make_recipe, tmp_path):
    people = people_of(class_recording.table["group"], [str(one) for one in targets_of(class_recording)])
    fold = nested_folds(people, 4, 2, 0)[0]
    training = {"epochs": 1, "batch_size": 24, "loss": "cross-entropy", "precision": "32-true", "head_epochs": 2}
    recipe = make_recipe(model={"name": "heatmap-cnn", "args": {"channels": [4, 4]}}, training=training)
    whole = train_nested(recipe, class_recording, fold, tmp_path / "whole", 0).model.state_dict()
    embedded = np.load(tmp_path / "whole" / "refit" / HEAD / "train.npy")
    (tmp_path / "again" / "refit" / HEAD).mkdir(parents=True)
    np.save(tmp_path / "again" / "refit" / HEAD / "train.npy", np.ones_like(embedded))
    again = train_nested(recipe, class_recording, fold, tmp_path / "again", 0).model.state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_published_protocol_refuses_it(class_recording, make_recipe, tmp_path):
    people = people_of(class_recording.table["group"], [str(one) for one in targets_of(class_recording)])
    fold = nested_folds(people, 4, 2, 0)[0]
    recipe = make_recipe(training={"loss": "cross-entropy", "head_epochs": 2})
    with pytest.raises(InputError, match=r"training\.head_epochs out"):
        train_paper(recipe, class_recording, fold, tmp_path, 0)
