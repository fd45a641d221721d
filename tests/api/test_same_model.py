"""A finished model is known by hashes, and built only where code or weights may have changed."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from xgaze.api.same_model import require_same_model
from xgaze.artifacts import write_card
from xgaze.errors import InputError
from xgaze.recipe import ModelSection

FINISHED = """
import sys
from pathlib import Path
from xgaze.api.same_model import require_same_model
from xgaze.artifacts import read_card
from xgaze.recipe import ModelSection
folder = Path(sys.argv[1])
card = read_card(folder)
require_same_model(folder, card, ModelSection.model_validate(card.architecture))
print("torch" in sys.modules)
"""


@pytest.fixture
def built(monkeypatch):
    """Folders of the models that were built."""
    found = []
    monkeypatch.setattr("xgaze.compression.student.load_model", lambda folder, own: found.append(folder))
    return found


@pytest.mark.parametrize("made", ["teacher", "result"])
def test_the_same_weights_under_the_same_code_are_not_built(notebook, made):
    folder = getattr(notebook, made).folder
    done = subprocess.run([sys.executable, "-c", FINISHED, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_other_code_other_weights_and_imported_classes_are(notebook, built, tmp_path):
    teacher = notebook.teacher
    folder, card, own = teacher.folder, teacher.card, teacher.run.recipe.model
    require_same_model(folder, card, own)
    assert built == []
    require_same_model(folder, replace(card, versions={**card.versions, "torch": "0"}), own)
    require_same_model(folder, replace(card, metrics={}), own)
    require_same_model(folder, card, ModelSection.model_validate({"import": "own:Net"}))
    require_same_model(folder, card, own.model_copy(update={"weights": None}))
    assert len(built) == 4
    other = shutil.copytree(folder, tmp_path / "teacher")
    (other / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-1] + b"\x01")
    require_same_model(other, card, own)
    assert built[4:] == [other]


def test_damaged_weights_are_refused(notebook, tmp_path):
    other = shutil.copytree(notebook.teacher.folder, tmp_path / "teacher")
    (other / "model.safetensors").write_bytes(b"damaged")
    write_card(other, notebook.teacher.card)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        require_same_model(other, notebook.teacher.card, notebook.teacher.run.recipe.model)
