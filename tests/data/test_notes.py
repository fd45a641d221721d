"""What reading left out, told by `xgaze check` and kept with the model."""

import pytest

from xgaze.data.open import open_recording
from xgaze.data.photographs.photograph_sections import ViewerAgreementData
from xgaze.data.source import source_of


@pytest.fixture
def data(tmp_path, viewings):
    """Twelve pictures, five viewers; one fixation lies outside its picture, and one viewer left out a picture."""

    def looks(rng, k):
        return [(viewer, x, y) for viewer in range(5) for x, y in rng.uniform((0, 0), (80, 60), (4, 2))]

    columns = viewings(12, looks, more=[(0, "0.png", -30.0, 10.0, 200)])
    format_ = {"format": "table", "columns": columns, "size": [80, 60], "outside": "drop"}
    told = {"source": "viewer-agreement", "path": tmp_path, "fixations": format_, "labelling_viewers": 3, "sigma_px": 6}
    return ViewerAgreementData.model_validate({**told, "side": 32})


def test_of_viewer_agreement_the_fixations_left_out_the_pictures_in_between_and_who_labels_are_told(data):
    told = list(open_recording(data).notes)
    assert any("left out" in one and "1 of 241" in one.replace(",", "") for one in told)
    assert any(one.startswith("4 of 12 pictures are neither") for one in told)
    assert any(one.startswith("Agreement is that of 3 viewers") for one in told)


def test_check_says_the_same_and_whom_splits_keep_apart(data):
    told = source_of(data).remarks(data)
    assert told[:-1] == list(open_recording(data).notes)
    assert told[-1] == "Splits and intervals are over pictures, not over people."


def test_a_recording_of_which_all_was_read_has_no_notes(gaze_recording):
    assert list(gaze_recording.notes) == []
