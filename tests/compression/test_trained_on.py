"""A card may come from anybody: what it names lies in the folder to predict on."""

import pytest

from xgaze.artifacts import ModelCard
from xgaze.compression.student import trained_on
from xgaze.errors import InputError

EYES = {"source": "eye-folders", "path": "/data/eyes"}
SCANPATHS = {"source": "fixation-table", "path": "mine", "target": {"column": "group"}}


def card_of(data):
    return ModelCard("teacher", {}, {}, {"data": data}, "hash", 0)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({**EYES, "labels": {"file": "../../secrets.csv"}}, "labels.file"),
        ({**EYES, "labels": {"file": "/etc/passwd"}}, "labels.file"),
        ({**EYES, "layout": "{split}/../../{participant}"}, "layout"),
        ({**EYES, "views": {"eye0": "../{frame}_0.png"}}, "views.eye0"),
        ({**EYES, "splits": {"train": "..", "validation": "val", "test": "test"}}, "splits.train"),
        ({**SCANPATHS, "layout": "/home/{participant}.csv"}, "layout"),
        ({"source": "viewer-agreement", "path": "x", "table": "../t.csv"}, "table"),
        (
            {"source": "viewer-agreement", "path": "x", "fixations": {"layout": "../{participant}.csv"}},
            "fixations.layout",
        ),
        ({"source": "fixation-crops", "path": "x", "pictures": "/stimuli"}, "pictures"),
        ({"source": "attention-pictures", "path": "x.csv", "layout": "cub", "maps": "../maps"}, "maps"),
    ],
)
def test_a_card_that_leads_out_of_the_folder_to_predict_on_is_refused(tmp_path, data, key):
    with pytest.raises(
        InputError, match=rf"model\.json: key 'recipe\.data\.{key}': '.*' leads out of the folder"
    ) as one:
        trained_on(tmp_path, card_of(data))
    assert "\n" not in str(one.value)


@pytest.mark.parametrize(
    "data",
    [
        EYES,
        {**EYES, "labels": None, "layout": "./{split}/{participant}..old", "views": {"eye0": "left/{frame}.png"}},
        {**SCANPATHS, "layout": "{participant}/fixations.csv", "path": "../elsewhere.csv"},
        {"source": "rendered"},
    ],
)
def test_names_inside_it_and_where_the_model_itself_was_trained_are_not(tmp_path, data):
    assert trained_on(tmp_path, card_of(data)).source == data["source"]
