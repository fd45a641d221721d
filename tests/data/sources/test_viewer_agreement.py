import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check
from xgaze.data.open import open_recording
from xgaze.data.photographs.agreement_labels import leave_one_out_auc, leave_one_out_correlation, viewer_map
from xgaze.data.photographs.agreement_recording import agreement_rows
from xgaze.data.photographs.photograph_sections import ViewerAgreementData
from xgaze.errors import InputError

COLUMNS = {"participant": "who", "stimulus": "image", "x": "x", "y": "y", "duration": "ms"}


@pytest.fixture
def folder(tmp_path):
    """Eighteen pictures, five viewers: on even pictures all look at one place, on odd ones each elsewhere."""
    rng, rows = np.random.default_rng(0), []
    for k in range(18):
        name = f"{k}.png"
        (tmp_path / "stimuli").mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).save(tmp_path / "stimuli" / name)
        for viewer in range(5):
            centre = (40, 30) if k % 2 == 0 else rng.uniform((10, 10), (70, 50))
            for x, y in rng.normal(centre, 1 + k / 9, (4, 2)).clip(0, (79, 59)):
                rows.append((viewer, name, x, y, 200))
    pd.DataFrame(rows, columns=["who", "image", "x", "y", "ms"]).to_csv(tmp_path / "fixations.csv", index=False)
    return tmp_path


def section(folder, **changes):
    format_ = {"format": "table", "columns": COLUMNS, "size": [80, 60]}
    told = {"source": "viewer-agreement", "path": folder, "fixations": format_, "labelling_viewers": 3, "sigma_px": 5}
    return ViewerAgreementData.model_validate({**told, "side": 32, **changes})


def test_pictures_on_which_viewers_agree_are_told_from_the_others(folder):
    recording = open_recording(section(folder))
    table = recording.table
    assert recording.spec.classes == ("differ", "agree") and recording.spec.groups == "pictures"
    assert table["label"].value_counts().to_dict() == {0: 6, 1: 6}
    even = table["id"].str.removesuffix(".png").astype(int) % 2 == 0
    assert (table["label"] == even).all()
    assert set(table["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("measure", ["correlation", "auc"])
def test_label_and_map_are_of_different_viewers(folder, measure):
    data = section(folder, measure=measure)
    found = agreement_rows(data)
    assert len(found.viewers) == 3
    table = pd.read_csv(folder / "fixations.csv", dtype={"who": str})
    own = table[table["image"] == "4.png"]
    labelling = own["who"].isin(found.viewers)
    each = [rows[["x", "y"]].to_numpy() for _, rows in own[labelling].groupby("who")]
    maps = np.stack([viewer_map(points, np.full(4, 200), (80, 60), 5, 100) for points in each])
    expected = (
        leave_one_out_auc(maps, [p / (80, 60) for p in each]) if measure == "auc" else leave_one_out_correlation(maps)
    )
    row = found.rows.index[found.rows["stimulus"] == "4.png"][0]
    assert found.rows["agreement"][row] == pytest.approx(expected.mean())
    others = viewer_map(own[~labelling][["x", "y"]].to_numpy(), np.full(8, 200), (80, 60), 5, 200)
    np.testing.assert_array_equal(found.maps[row], np.round(255 * (others - others.min()) / np.ptp(others)))


def test_nothing_that_the_labelling_viewers_did_changes_a_map(folder):
    found = agreement_rows(section(folder))
    table = pd.read_csv(folder / "fixations.csv", dtype={"who": str})
    moved = table["who"].isin(found.viewers)
    table.loc[moved, ["x", "y"]] = table.loc[moved, ["x", "y"]].to_numpy()[::-1]
    table.to_csv(folder / "fixations.csv", index=False)
    again = agreement_rows(section(folder))
    assert all(np.array_equal(a, b) for a, b in zip(found.maps, again.maps, strict=True))
    assert not np.allclose(found.rows["agreement"], again.rows["agreement"])


def test_pictures_that_not_all_who_label_saw_are_left_out_and_counted(folder):
    viewer = agreement_rows(section(folder)).viewers[0]
    table = pd.read_csv(folder / "fixations.csv", dtype={"who": str})
    table[~((table["who"] == viewer) & (table["image"] == "3.png"))].to_csv(folder / "fixations.csv", index=False)
    found = agreement_rows(section(folder))
    assert len(found.rows) == 17 and found.notes[-1].startswith("1 of 18 pictures")


def test_the_map_is_aux_or_an_input(folder):
    assert "attention" in open_recording(section(folder))[0].aux
    assert open_recording(section(folder, attention="input"))[0].inputs["attention"].shape == (1, 32, 32)


def test_too_few_viewers_and_absent_photographs_are_refused(folder):
    with pytest.raises(InputError, match="5 viewers, of whom 5 shall label"):
        open_recording(section(folder, labelling_viewers=5))
    assert check(section(folder)) == []
    (folder / "stimuli" / "0.png").unlink()
    with pytest.raises(InputError, match=r"0\.png: no such photograph"):
        open_recording(section(folder))
