"""Teaching whole students: known solutions, nobody who is tested on, and the plain tuning where nothing is taught."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.models.registry import build
from xgaze.recipe import Training
from xgaze.recipe.student_sections import Hint
from xgaze.recorded_targets import GAZE_COLUMNS
from xgaze.training.distillation import DistillTask, Lesson, TaughtRows, distil_model, trust
from xgaze.training.hints import HintLoss
from xgaze.training.losses import sample_losses
from xgaze.training.task import make_optimiser
from xgaze.training.whole import tune_model

SPEC = Spec((InputSpec("eye0", (1, 2, 2), 128.0, 64.0),), "gaze", scene=(800, 600))
SMOOTH = Training(
    epochs=25, batch_size=8, optimiser="adam", learning_rate=0.3, precision="32-true", patience=25, loss="smooth-l1"
)


class Pixels(Recording):
    """People with random 2x2 pictures, their gaze as given or unknown."""

    def __init__(self, people, rng, spec=SPEC):
        self.spec = spec
        rows = [
            (f"{name}/0/{k}", name, "0", split) for split, names in people.items() for name in names for k in range(8)
        ]
        self.table = pd.DataFrame(rows, columns=["id", "group", "session", "split"])
        self.table[GAZE_COLUMNS] = np.float32(np.nan)
        self.images = rng.integers(0, 256, (len(rows), 1, 2, 2), np.uint8)

    def label(self, outputs):
        self.table[GAZE_COLUMNS] = outputs.astype(np.float32)

    def __getitem__(self, row):
        line = self.table.iloc[row]
        return Sample(
            line["id"],
            {"group": line["group"]},
            {"eye0": self.images[row]},
            line[GAZE_COLUMNS].to_numpy(np.float32),
        )


class Linear(nn.Module):
    """Four pixels to a gaze point, in hundreds of px."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(4, 2)

    def forward(self, x):
        return 100 * self.map(x.flatten(1))


@pytest.fixture
def pixels():
    """A recording whose validation labels are a linear teacher's outputs, the teacher, and unlabelled people."""
    torch.manual_seed(1)
    rng, teacher = np.random.default_rng(0), Linear().eval()
    recording = Pixels({"train": ["a", "b"], "validation": ["c", "d"], "test": ["e"]}, rng)
    extra = Pixels({"unlabelled": [f"u{k}" for k in range(12)]}, rng)
    recording.label(predict(teacher, recording, np.arange(len(recording.table))))
    return recording, teacher, extra


def lesson_of(recording, teacher, extra=None):
    outputs = predict(teacher, recording, rows_of(recording, "train"))
    return Lesson(outputs, extra, predict(teacher, extra, np.arange(len(extra.table)))) if extra else Lesson(outputs)


def small_model(recording, recipe):
    torch.manual_seed(3)
    return build(recipe.model.name, recipe.model.args, recording.spec)


def test_trust_falls_linearly_from_one_where_the_teacher_is_right_to_zero_at_the_outliers():
    truth = np.zeros((21, 2))
    errors = np.append(
        np.arange(20.0), 10_000.0
    )  # one outlier beyond the 95th percentile, which is the 20th value: 19 px
    outputs = np.stack([errors, np.zeros(21)], axis=1)
    expected = np.append(1 - np.arange(20) / 19, 0)
    np.testing.assert_allclose(trust(SPEC, outputs, truth), expected, atol=1e-6)
    np.testing.assert_array_equal(trust(SPEC, truth, truth), np.ones(21))


def test_trust_of_a_classifier_falls_with_the_probability_of_a_wrong_class(class_recording):
    logits = np.log([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]])
    believed = trust(class_recording.spec, logits, np.array([0, 1, 1]))
    worst = np.quantile([0.1, 0.9, 0.5], 0.95)
    np.testing.assert_allclose(believed, [1 - 0.1 / worst, 0, 1 - 0.5 / worst], atol=1e-6)


def test_weights_per_sample_follow_label_teacher_and_unlabelled(pixels):
    recording, teacher, extra = pixels
    lesson = lesson_of(recording, teacher, extra)
    lesson.outputs[:] = targets_of(recording, rows_of(recording, "train"))
    lesson.outputs[1::2] += 10.0  # the teacher is right on every other sample, and equally wrong on the rest
    rows = TaughtRows(recording, lesson, teacher_weight=0.25, unlabelled_weight=2.0)
    taught = rows.gather([0, 1, 16, 111])
    np.testing.assert_allclose(taught.label_weight, [0.75, 0.75, 0, 0])
    np.testing.assert_allclose(taught.teacher_weight, [0.25, 0, 2, 2], atol=1e-6)
    assert taught.batch.ids == ["a/0/0", "a/0/1", "u0/0/0", "u11/0/7"] and len(rows) == 16 + 96
    np.testing.assert_array_equal(taught.teacher[2:], lesson.unlabelled_outputs[[0, 95]])


def test_the_loss_is_the_sum_of_what_label_and_teacher_say(pixels):
    recording, teacher, extra = pixels
    lesson = lesson_of(recording, teacher, extra)
    lesson.outputs[::2] += 30.0
    rows = TaughtRows(recording, lesson, teacher_weight=0.4, unlabelled_weight=1.5)
    taught, student = rows.gather(list(range(12, 20))), Linear()
    task = DistillTask(student, SPEC, SMOOTH, 0)
    task.log = lambda *_, **__: None
    output = student(*taught.batch.inputs)
    labelled = sample_losses("smooth-l1", output, taught.batch.target)[:4]
    imitated = sample_losses("smooth-l1", output, taught.teacher)
    phi = trust(SPEC, lesson.outputs, targets_of(recording, rows_of(recording, "train")))[12:]
    expected = 0.6 * labelled.sum() + 0.4 * (torch.from_numpy(phi) * imitated[:4]).sum() + 1.5 * imitated[4:].sum()
    torch.testing.assert_close(task.training_step(taught, 0), expected / 8)


def test_a_linear_student_finds_the_teachers_weights_from_unlabelled_people_alone(tmp_path, pixels):
    recording, teacher, extra = pixels
    train = rows_of(recording, "train")
    recording.table.loc[train, GAZE_COLUMNS] += np.float32([300, 400])  # labels without use: phi is 0 for all of them
    student = Linear()
    lesson = lesson_of(recording, teacher, extra)
    assert trust(SPEC, lesson.outputs, targets_of(recording, train)).max() < 1e-6
    distil_model(student, lesson, recording, SMOOTH, tmp_path, 0, "distilling", teacher_weight=1.0)
    for name, value in teacher.state_dict().items():
        torch.testing.assert_close(student.state_dict()[name], value, atol=0.02, rtol=0)
    assert not student.training


def test_without_teaching_it_is_the_plain_tuning(tmp_path, gaze_recording, make_recipe):
    recipe = make_recipe(training={"epochs": 2, "batch_size": 12, "precision": "32-true", "loss": "euclidean"})
    plain, taught = (small_model(gaze_recording, recipe) for _ in range(2))
    lesson = Lesson(np.zeros((72, 2), np.float32))
    tune_model(plain, gaze_recording, recipe.training, tmp_path / "plain", 0, "tuning")
    distil_model(taught, lesson, gaze_recording, recipe.training, tmp_path / "taught", 0, "distilling")
    for name, value in plain.state_dict().items():
        assert torch.equal(value, taught.state_dict()[name]), name


def test_the_distilling_task_with_labels_alone_equals_the_plain_tuning_too(tmp_path, gaze_recording, make_recipe):
    recipe = make_recipe(training={"epochs": 1, "batch_size": 12, "precision": "32-true", "loss": "euclidean"})
    plain, taught = (small_model(gaze_recording, recipe) for _ in range(2))
    lesson = Lesson(targets_of(gaze_recording, rows_of(gaze_recording, "train")) + 500)
    tune_model(plain, gaze_recording, recipe.training, tmp_path / "plain", 0, "tuning")
    distil_model(
        taught, lesson, gaze_recording, recipe.training, tmp_path / "taught", 0, "distilling", teacher_weight=1e-9
    )
    test = rows_of(gaze_recording, "test")
    np.testing.assert_allclose(
        predict(taught, gaze_recording, test), predict(plain, gaze_recording, test), rtol=1e-3, atol=0.05
    )


def test_a_killed_distillation_goes_on_and_ends_bit_equal(tmp_path, pixels, monkeypatch):
    recording, teacher, extra = pixels
    lesson, settings = lesson_of(recording, teacher, extra), SMOOTH.model_copy(update={"epochs": 3})

    def distilled(folder):
        torch.manual_seed(5)
        student = Linear()
        hinted = {"hints": ["map"], "hint_weight": 0.1, "teacher": teacher}
        distil_model(student, lesson, recording, settings, tmp_path / folder, 0, "x", teacher_weight=0.5, **hinted)
        return student.state_dict()

    whole, steps = distilled("whole"), []
    step = DistillTask.training_step

    def killed(self, *batch):
        steps.append(1)
        if len(steps) > 20:  # 14 steps an epoch: in the second epoch
            raise RuntimeError("killed")
        return step(self, *batch)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(DistillTask, "training_step", killed)
        distilled("killed")
    resumed = distilled("killed")
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_projections_are_trained_with_the_student_and_the_teacher_is_not(pixels):
    teacher = pixels[1]
    student = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    hints = HintLoss([Hint(teacher="map", student="1")], student, teacher, (torch.randn(8, 1, 2, 2),), 0)
    trained = make_optimiser(DistillTask(student, SPEC, SMOOTH, 0, hints, 0.1), SMOOTH).param_groups[0]["params"]
    wanted = [*student.parameters(), *hints.projections.parameters()]
    assert [id(one) for one in trained] == [id(one) for one in wanted] and len(wanted) == 6


def test_unlabelled_people_who_are_tested_on_are_refused(tmp_path, pixels):
    recording, teacher, extra = pixels
    extra.table["group"] = extra.table["group"].replace({"u3": "e", "u4": "c", "u5": "a"})
    lesson = lesson_of(recording, teacher, extra)
    with pytest.raises(InputError, match=r"2 participant\(s\) are validation or test participants: c, e\."):
        distil_model(Linear(), lesson, recording, SMOOTH, tmp_path, 0, "x")
    assert not list(tmp_path.iterdir())


def test_a_lesson_of_another_length_is_refused(tmp_path, pixels):
    recording, teacher, extra = pixels
    short = replace(lesson_of(recording, teacher, extra), outputs=np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match="16 training samples, but 3 outputs of the teacher"):
        distil_model(Linear(), short, recording, SMOOTH, tmp_path, 0, "x")


def test_a_classifier_learns_from_a_teacher_and_unlabelled_pictures(tmp_path, class_recording):
    class ByPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.map = nn.Linear(40, 2)

        def forward(self, x):
            return self.map(x.mean(dim=(1, 2)))

    torch.manual_seed(0)
    teacher, student = ByPlace(), ByPlace()
    with torch.no_grad():
        teacher.map.weight.copy_(torch.linspace(-0.5, 0.5, 40) * torch.tensor([[-1.0], [1.0]]))
        teacher.map.bias.zero_()
    rows = rows_of(class_recording, "train")
    train = replace(class_recording, table=class_recording.table.iloc[rows].reset_index(drop=True))
    train.table["label"] = -1
    outputs = predict(teacher, class_recording, rows)
    settings = SMOOTH.model_copy(update={"loss": "cross-entropy", "epochs": 4, "learning_rate": 0.05})
    before = (predict(student, class_recording, rows) - outputs).std()
    lesson = Lesson(outputs, train, outputs)
    distil_model(student, lesson, class_recording, settings, tmp_path, 0, "distilling", teacher_weight=0.5)
    assert (predict(student, class_recording, rows) - outputs).std() < 0.5 * before
