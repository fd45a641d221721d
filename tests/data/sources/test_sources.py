"""Every file of the folder is one source, found by its tag; the one of public data sets holds one for each."""

from pathlib import Path

import pytest

import xgaze.data.sources
from xgaze.data.source import SOURCES, same_data, source_of
from xgaze.data.sources import published_sets
from xgaze.errors import InputError
from xgaze.recipe import load_data
from xgaze.recipe.data_sections import DataSection

FILES = {path.stem for path in Path(xgaze.data.sources.__file__).parent.glob("[!_]*.py")}


def test_a_file_is_named_as_its_tag():
    public = {one.name for one in published_sets.SOURCE}
    assert {name.replace("-", "_") for name in SOURCES if name not in public} == FILES - {"published_sets"}
    assert len({one.section for one in SOURCES.values()}) == len(list(SOURCES)) == len(FILES) - 1 + len(public)


@pytest.fixture
def definition(tmp_path):
    def definition(**keys):
        path = tmp_path / "recording.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
        return load_data(path)

    return definition


def test_a_definition_finds_its_source(definition):
    data = definition(source="gaze-images", path="pictures", height=64)
    assert source_of(data) is SOURCES["gaze-images"] and data.height == 64


def test_the_same_data_are_known_by_another_path_to_them(definition, tmp_path, monkeypatch):
    data = definition(source="gaze-images", path="pictures")
    monkeypatch.chdir(tmp_path)
    assert same_data(data, data.model_copy(update={"path": Path("pictures")}))
    assert not same_data(data, data.model_copy(update={"path": Path("others")}))
    assert not same_data(data, data.model_copy(update={"seed": 1}))
    assert not same_data(data, definition(source="eye-folders", path="pictures"))


def test_a_section_whose_source_is_not_there_any_more_is_refused():
    with pytest.raises(InputError, match="there is no data source 'gone'"):
        source_of(DataSection(source="gone"))
