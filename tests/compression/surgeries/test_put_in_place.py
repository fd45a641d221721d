from pathlib import Path

import pytest

from xgaze.compression.distill import put_in_place

NAMES = ("budget.csv", "model.json", "model.onnx", "model.safetensors")


@pytest.mark.parametrize("moves", range(5))
def test_no_card_ever_stands_beside_files_of_another_student(tmp_path, monkeypatch, moves):
    made, folder = tmp_path / "made", tmp_path / "student"
    for place, text in ((made, "new"), (folder, "old")):
        place.mkdir()
        for name in NAMES:
            (place / name).write_text(text)
    count, rename = iter(range(9)), Path.replace

    def replace(path, target):
        if next(count) == moves:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        if moves < len(NAMES):
            with pytest.raises(KeyboardInterrupt):
                put_in_place(made, folder)
        else:
            put_in_place(made, folder)
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert "model.json" not in found or set(found.values()) == {"new"}
    assert ("model.json" in found) == (moves == len(NAMES))
