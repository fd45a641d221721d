"""Attributions against where people looked: closed forms, and a model that looks at the right place beside one that does not."""

import json
import shutil
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, collate, rows_of
from xgaze.errors import InputError
from xgaze.explanation.attribution.attribution import mean_inputs
from xgaze.explanation.attribution.grad_cam import grad_cam, grad_cam_of
from xgaze.explanation.attribution.prepared import analysis_copy
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.explanation.explain import write_explanation
from xgaze.explanation.human.attention_scores import METRICS, attention_of, ceiling, drawn_places, pointing, scores
from xgaze.explanation.human.picture_scores import example_maps
from xgaze.explanation.human.references import map_of, people_of
from xgaze.explanation.human.run_comparison import compare_human, read_human
from xgaze.explanation.test_samples import measure_over
from xgaze.models.architectures.fusion import KnowledgeFusion
from xgaze.recipe import Explain

SIDE = 24


def bump(x, y, sigma=2.5):
    yy, xx = np.mgrid[:SIDE, :SIDE]
    return np.exp(-((xx + 0.5 - x) ** 2 + (yy + 0.5 - y) ** 2) / (2 * sigma**2))


@dataclass
class Looked(Recording):
    """Pictures of noise with a bright spot at the left (even rows) or right (odd rows), where people looked."""

    with_map: bool = True
    as_input: bool = False
    blank: tuple[int, ...] = ()

    def __post_init__(self):
        splits = ["train"] * 12 + ["validation"] * 4 + ["test"] * 8
        names = [f"picture{k}" for k in range(len(splits))]
        self.table = pd.DataFrame({"id": names, "group": names, "session": "0", "split": splits})
        self.table["label"] = np.arange(len(splits)) % 2
        inputs = (InputSpec("image", (3, SIDE, SIDE)),) + (InputSpec("attention", (1, SIDE, SIDE)),) * self.as_input
        self.spec = Spec(inputs, "class", unit="AUC", classes=("left", "right"), groups="pictures")

    def __getitem__(self, row):
        rng = np.random.default_rng(row)
        spot = bump(6 if row % 2 == 0 else 18, 12)
        image = (rng.integers(20, 120, (3, SIDE, SIDE)) + 130 * spot).astype(np.uint8)
        shown = np.round(255 * spot).astype(np.uint8)[None] * (row not in self.blank)
        inputs = {"image": image} | ({"attention": shown} if self.as_input else {})
        groups = {"group": f"picture{row}"}
        aux = {"attention": shown} if self.with_map else {}
        return Sample(f"picture{row}", groups, inputs, np.int64(row % 2), aux)


class Looker(nn.Module):
    """One logit is the brightest pixel of a picture, which lies where people looked; or the darkest, which lies anywhere."""

    def __init__(self, right_place=True):
        super().__init__()
        self.right_place = right_place

    def forward(self, image):
        grey = image.mean(dim=1).flatten(1)
        told = grey.amax(dim=1) if self.right_place else grey.amin(dim=1)
        return torch.stack([told, torch.zeros_like(told)], dim=1)


def test_a_map_like_the_human_one_beats_a_constant_and_its_inverse_is_worst():
    human = bump(8, 10)
    places, others = drawn_places(human, 0), drawn_places(bump(18, 10), 1)
    good, flat, bad = (scores(one, human, places, others) for one in (human, np.ones_like(human), human.max() - human))
    assert list(good) == list(METRICS)
    for name in METRICS:
        ordered = [good[name], flat[name], bad[name]]
        assert ordered == sorted(ordered, reverse=name != "kl") and len(set(ordered)) == 3, name
    share = round(0.1 * human.size) / human.size
    assert flat == pytest.approx({**flat, "pointing": share, "nss": 0, "cc": 0, "shuffled_auc": 0.5, "auc_judd": 0.5})
    assert good["pointing"] == 1 and bad["pointing"] == 0
    assert (
        good["cc"] == pytest.approx(1) and bad["cc"] == pytest.approx(-1) and good["kl"] == pytest.approx(0, abs=1e-9)
    )


def test_several_highest_pixels_count_by_how_many_lie_where_people_look():
    human = np.arange(100.0).reshape(10, 10)
    attention = np.zeros((10, 10))
    attention[9, 0] = attention[0, 0] = 1.0  # the last row is the most looked-at tenth
    assert pointing(attention, human) == 0.5


def test_grad_cam_is_read_by_its_positive_part_and_gradients_by_their_absolute_value():
    signed = np.zeros((SIDE, SIDE))
    signed[12, 6], signed[12, 18] = 1.0, -3.0
    positive, absolute = (attention_of(signed, name, 1.0) for name in ("Grad-CAM", "integrated gradients"))
    assert positive[12, 18] == pytest.approx(0, abs=1e-9) and positive[12, 6] > 0
    assert absolute[12, 18] == pytest.approx(3 * absolute[12, 6])
    assert absolute.sum() == pytest.approx(4) and absolute[12, 6] == pytest.approx(1 / (2 * np.pi), rel=0.01)


def test_the_ceiling_is_what_others_tell_of_a_viewer_and_two_alike_reach_the_peak():
    here, there = np.array([[6.5, 12.5]]), np.array([[18.5, 12.5]])
    alike = ceiling((here, here), (SIDE, SIDE), 2.0, there)
    assert set(alike) == {"nss", "auc_judd", "shuffled_auc"} and alike["shuffled_auc"] == 1.0
    peak = bump(6.5, 12.5, 2.0)
    assert alike["nss"] == pytest.approx((peak.max() - peak.mean()) / peak.std())
    assert alike["nss"] > ceiling((here, there), (SIDE, SIDE), 2.0, there)["nss"]
    assert ceiling((here,), (SIDE, SIDE), 2.0, there) == {}


def test_fixations_drawn_from_a_map_lie_where_it_is_not_zero():
    human = np.zeros((10, 20))
    human[3, 17], human[8, 2] = 3.0, 1.0
    places = drawn_places(human, 0, 4000)
    assert set(map(tuple, places)) == {(17.5, 3.5), (2.5, 8.5)}
    assert (places[:, 0] == 17.5).mean() == pytest.approx(0.75, abs=0.03)
    np.testing.assert_array_equal(places, drawn_places(human, 0, 4000))


def measured(recording, models, tmp_path):
    rows = [int(row) for row in rows_of(recording, "test")]
    looked = people_of(recording, rows, 0)
    reference = mean_inputs(recording, rows_of(recording, "train"))
    over = measure_over(recording, models, rows, reference, Explain(steps=8), 0, tmp_path / "key", False, looked)
    return over.sections["human"], over.pictures


@pytest.fixture
def found(tmp_path):
    recording = Looked()
    return *measured(recording, {"teacher": Looker(), "student": Looker(False)}, tmp_path), recording


def test_scores_of_models_stand_beside_centre_bias_and_uniform_with_paired_differences(found):
    section, _, _ = found
    rows = {(row["model"], row["method"]): row for row in section["rows"]}
    assert set(rows) == {
        ("teacher", "integrated gradients"),
        ("student", "integrated gradients"),
        ("centre bias", ""),
        ("uniform", ""),
    }
    assert rows["uniform", ""]["nss"]["mean"] == 0 and rows["uniform", ""]["shuffled_auc"]["mean"] == 0.5
    assert rows["centre bias", ""]["cc"]["mean"] > 0.5  # half of the training maps are like it
    assert rows["centre bias", ""]["role"] == "baseline"
    pairs = {(one["first"], one["second"]): one for one in section["differences"]}
    assert set(pairs) == {("student", "teacher"), ("teacher", "centre bias"), ("student", "centre bias")}
    assert pairs["student", "teacher"]["nss"]["high"] < 0
    assert pairs["teacher", "centre bias"]["shuffled_auc"]["low"] > 0
    assert rows["teacher", "integrated gradients"]["shuffled_auc"]["low"] > 0.6
    for metric in METRICS:
        gap = (
            rows["student", "integrated gradients"][metric]["mean"]
            - rows["teacher", "integrated gradients"][metric]["mean"]
        )
        assert pairs["student", "teacher"][metric]["mean"] == pytest.approx(gap)
    assert section["fixations"] == "drawn from the maps" and section["samples"] == 8 and not section["map_is_input"]


def test_every_picture_is_told_and_the_intervals_are_of_these_figures(found):
    section, table, _ = found
    assert list(table) == ["id", "group", "value", "model", "method", "metric"] and table["id"].nunique() == 8
    own = table.query("model == 'teacher' and metric == 'nss'")["value"].astype(float)
    assert section["rows"][0]["nss"]["mean"] == pytest.approx(own.mean())


def test_pictures_on_which_nobody_looked_and_recordings_without_maps_are_left_out(tmp_path):
    blank = Looked(blank=(17, 20))
    section, _ = measured(blank, {"teacher": Looker()}, tmp_path)
    assert section["samples"] == 6 and map_of(blank, 17) is None
    assert people_of(Looked(with_map=False), [16], 0) is None


def test_attributions_of_examples_are_blurred_alike(found):
    recording = found[2]
    rows = [16, 17]
    looked = people_of(recording, rows, 0)
    target = targets_for(recording.spec, 0)[-1]
    maps = {f"0/teacher/{target.name}/image": bump(6, 12).astype(np.float32)}
    shown = example_maps(recording, 0, 16, {"teacher": Looker()}, target, maps, looked)
    assert set(shown) == {"0/people", "0/people/teacher/integrated gradients"}
    assert shown["0/people/teacher/integrated gradients"].max() == pytest.approx(1)
    np.testing.assert_allclose(shown["0/people"], map_of(recording, 16), atol=1e-6)


def test_a_branch_that_reads_the_photograph_alone_has_a_grad_cam_though_the_map_has_none():
    recording = Looked(as_input=True)
    torch.manual_seed(0)
    model = KnowledgeFusion(recording.spec, depth=18, channels=4).eval()
    batch = collate([recording[16]], recording.spec)
    scalar = Scalar(analysis_copy(model), targets_for(recording.spec, 0)[-1])
    with pytest.raises(InputError, match="input 2 has none"):
        grad_cam(scalar, batch.inputs, batch.target)
    assert grad_cam_of(scalar, batch.inputs, batch.target, 0).shape == (1, 1, SIDE, SIDE)
    with pytest.raises(InputError, match="input 2 has none"):
        grad_cam_of(scalar, batch.inputs, batch.target, 1)


def test_models_that_are_given_the_map_are_marked(tmp_path):
    recording = Looked(as_input=True)
    looked = people_of(recording, [16, 17], 0)
    assert looked.map_is_input and looked.place == 0
    assert len(looked.others(16)) == 7 * 100


def test_two_runs_on_the_same_pictures_are_compared_picture_by_picture(tmp_path):
    recording = Looked()
    for name, model in (("plain", Looker(False)), ("gaze", Looker())):
        (tmp_path / name).mkdir()
        section, pictures = measured(recording, {"teacher": model}, tmp_path / name)
        write_explanation(tmp_path / name, {"human": section}, {}, pictures)
    plain, gaze = (read_human(tmp_path / name) for name in ("plain", "gaze"))
    found = compare_human(plain, gaze)
    (row,) = found["rows"]
    assert found["samples"] == 8 and row["model"] == "teacher" and row["nss"]["low"] > 0 and found["reason"] is None
    gap = (gaze["teacher/integrated gradients/nss"] - plain["teacher/integrated gradients/nss"]).mean()
    assert row["nss"]["mean"] == pytest.approx(gap)
    assert compare_human(gaze, plain)["rows"][0]["nss"]["mean"] == pytest.approx(-gap)
    assert compare_human(plain, None) is None and read_human(tmp_path) is None


def test_runs_held_against_other_maps_or_without_shared_pictures_are_not_compared(tmp_path):
    section, pictures = measured(Looked(), {"teacher": Looker()}, tmp_path)
    write_explanation(tmp_path, {"human": section}, {}, pictures)
    own = read_human(tmp_path)
    other = own.copy()
    other["centre bias//nss"] += 0.1
    assert "other human maps" in compare_human(own, other)["reason"] and compare_human(own, other)["rows"] == []
    assert "1 pictures" in compare_human(own, own.iloc[:1])["reason"]


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    section, pictures = measured(Looked(), {"teacher": Looker()}, folder)
    write_explanation(folder, {"human": section}, {}, pictures)
    return folder


DAMAGES = {
    "emptied": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "a row less": lambda content: content[: content.rstrip().rindex(b"\n") + 1],
    "a figure": lambda content: content.replace(b"0.5", b"0.6"),
    "binary": lambda content: bytes(range(256)),
}


@pytest.mark.parametrize(("name", "hashed"), [*((one, True) for one in DAMAGES), ("emptied", False), ("binary", False)])
def test_figures_of_pictures_that_were_damaged_are_named(explained, tmp_path, name, hashed):
    """Also those of older versions, of which no hash was stored, as far as they are no table."""
    shutil.copytree(explained, tmp_path / "run")
    file, stored = tmp_path / "run" / "human.csv", tmp_path / "run" / "explanation.json"
    file.write_bytes(DAMAGES[name](file.read_bytes()))
    if not hashed:
        told = json.loads(stored.read_text())
        stored.write_text(json.dumps({"human": told["human"]}))
    with pytest.raises(InputError, match=r"human\.csv: .*xgaze explain --force"):
        read_human(tmp_path / "run")


def test_an_explanation_that_fails_leaves_the_figures_of_the_old_one(explained, tmp_path, monkeypatch):
    shutil.copytree(explained, tmp_path / "run")
    before = {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir() if one.is_file()}
    monkeypatch.setattr("xgaze.explanation.explain.write_json", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_explanation(tmp_path / "run", {}, {}, pd.DataFrame({"id": ["new"]}))
    assert {one.name: one.read_bytes() for one in (tmp_path / "run").iterdir() if one.is_file()} == before
