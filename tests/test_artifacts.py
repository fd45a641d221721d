import pickle

import pandas as pd
import pytest
import torch

from xgaze.artifacts import (
    ModelCard,
    atomic_path,
    hashes_of,
    read_card,
    read_json,
    read_weights,
    require_written,
    write_card,
    write_csv,
    write_json,
    write_weights,
)
from xgaze.errors import InputError


def card():
    return ModelCard("teacher", {"name": "multi-eye", "args": {}}, {}, {"name": "x"}, "abc", 0)


def test_weights_come_back_bit_equal(tmp_path):
    weights = {"a": torch.randn(3, 4), "b": torch.arange(5), "c": torch.randn(4, 4).t()}
    write_weights(tmp_path / "model.safetensors", weights)
    back = read_weights(tmp_path / "model.safetensors")
    assert all(torch.equal(back[name], value) for name, value in weights.items())


def test_a_card_comes_back_equal(tmp_path):
    write_card(tmp_path, card())
    assert read_card(tmp_path) == card()


def test_a_pickle_is_refused_whatever_its_name(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    for name in ("model.pt", "model.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(InputError, match="never opens"):
            read_weights(tmp_path / name)
    torch.save({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="never opens"):
        read_weights(tmp_path / "model.safetensors")
    assert not (tmp_path / "exploded").exists()


def test_a_folder_with_only_a_pickle_is_refused(tmp_path):
    torch.save({}, tmp_path / "best.ckpt")
    with pytest.raises(InputError, match=r"best\.ckpt is a pickle"):
        read_card(tmp_path)
    with pytest.raises(InputError, match="not a model folder"):
        read_card(tmp_path / "elsewhere")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_csv(path, pd.DataFrame({"a": [1]}))
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "a\n1\n"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_json_refuses_nan_and_names_a_damaged_file(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match=r"x\.json"):
        read_json(tmp_path / "x.json")


def test_what_was_written_is_known_by_its_hash(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    stored = hashes_of(tmp_path, ["a.csv"])
    assert list(stored["file_hashes"]) == ["a.csv"]
    require_written(tmp_path, stored)
    require_written(tmp_path, {})  # of an older version
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(InputError, match=r"a\.csv: damaged or edited: not what was written\. Again!"):
        require_written(tmp_path, stored, "Again!")
    (tmp_path / "a.csv").unlink()
    with pytest.raises(InputError, match=r"a\.csv: no such file"):
        require_written(tmp_path, stored)


@pytest.mark.parametrize("hashes", [None, [], "x", 1])
def test_hashes_that_are_none_are_named(tmp_path, hashes):
    with pytest.raises(InputError, match="'file_hashes' is no mapping"):
        require_written(tmp_path, {"file_hashes": hashes})
