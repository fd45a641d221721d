"""Model folders: safetensors + JSON, written atomically, never a pickle. Knows files, not models."""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from xgaze import __version__
from xgaze.code_version import source_hash
from xgaze.errors import InputError
from xgaze.spreadsheet import harmless
from xgaze.stored import Stored, require, schema_of
from xgaze.stored import read_json as read_json
from xgaze.writing import atomic_path

if TYPE_CHECKING:
    import pandas as pd
    import torch

TEACHER, SECOND_TEACHER, CONTROL, STUDENT = "teacher", "teacher-2", "control", "student"
"""Roles of models: as cards, tables and folders of a run name them. The control is the teacher given the student's tuning."""
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
SLICES_FILE = "slices.json"
LOST_FILE = "lost.json"
"""Of a student: its worst frames, and who lost most by it."""
BESIDE = "targets_beside"
"""Of a card's figures: the scores of targets beside the main one."""
WEIGHTS_HASH = "weights_hash"
"""Of a card's figures: the hash of the weights beside it."""
FILE_HASHES = "file_hashes"
"""Of a card's figures, and of other stored results: name -> hash of what was written with it."""
PICKLE_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".tar")


@dataclass(frozen=True)
class ModelCard:
    """Everything but the weights: how to rebuild the model, what it was made of, how good it is.

    architecture: name of a registered model, or import of a class, and args. surgeries: the ordered list applied to it.
    spec: see `Spec`. command: what was typed to make it, empty from a script.
    """

    role: str
    architecture: dict[str, Any]
    spec: dict[str, Any]
    recipe: dict[str, Any]
    recipe_hash: str
    seed: int
    surgeries: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""


def library_versions() -> dict[str, str]:
    """Versions a result depends on."""
    names = ("torch", "lightning", "torch-pruning", "captum", "onnx", "onnxruntime", "scikit-learn", "numpy", "scipy")
    found = {"xgaze": __version__, "xgaze source": source_hash(), "python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_text(path: Path, text: str) -> None:
    """Write text whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, stored: Any) -> None:
    """Write JSON, keys in the order given."""
    write_text(path, json.dumps(stored, indent=1, allow_nan=False) + "\n")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table whole or not at all, without its index; text that a spreadsheet would run is made harmless."""
    with atomic_path(path) as temporary:
        # Row by row: the text as a whole would be in memory.
        harmless(table).to_csv(temporary, index=False, encoding="utf-8")


def file_hash(path: Path) -> str:
    """First 12 hexadecimal digits of the SHA-256 of a file's bytes. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}. {_AGAIN}")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def hashes_of(folder: Path, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """For what is stored last: hashes of files that were written with it. A table cut short at a line's end shows no fault."""
    return {FILE_HASHES: {name: file_hash(folder / name) for name in names}}


def require_written(folder: Path, stored: Mapping[str, Any], remedy: str = "") -> None:
    """Raises InputError where a file is missing or is not what was written with `stored`. Older versions stored no hashes."""
    hashes = stored.get(FILE_HASHES, {})
    if not isinstance(hashes, Mapping):
        raise InputError(f"{folder}: damaged or edited: key '{FILE_HASHES}' is no mapping. {remedy or _AGAIN}")
    for name, known in hashes.items():
        if file_hash(folder / name) != known:
            raise InputError(f"{folder / name}: damaged or edited: not what was written. {remedy or _AGAIN}")


def write_weights(path: Path, tensors: dict[str, "torch.Tensor"], metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, contiguous copies (tied tensors are stored once each)."""
    from safetensors.torch import save

    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(copies, metadata))


def read_weights(path: Path) -> dict[str, "torch.Tensor"]:
    """Read safetensors. Raises InputError for a missing or damaged file, and for pickles, which are never opened."""
    if path.suffix in PICKLE_SUFFIXES:
        raise InputError(f"{path}: a pickle checkpoint; xgaze never opens these, since they can run code. {_REMEDY}")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        if _looks_like_pickle(path):
            raise InputError(
                f"{path}: a pickle under another name; xgaze never opens these, since they can run code. {_REMEDY}"
            ) from None
        raise InputError(f"{path}: not a readable safetensors file ({error}). {_REMEDY}") from None


_REMEDY = "Train again, or save the weights with safetensors.torch.save_file."


def read_stored(path: Path, what: str, remedy: str) -> Any:
    """What others stored with safetensors or torch, of tensors, numbers and words alone: no code of the file runs.

    Raises InputError, naming `what` was expected and the remedy.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_numpy_scalars()):
            return torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # what a damaged or unsafe file raises is of a dozen types
        first = str(error).partition("\n")[0]
        raise InputError(f"{path}: not readable as {what} alone ({first}). {remedy}") from None


def _numpy_scalars() -> list[Any]:
    """What a number of numpy's is stored with, under its names of today and of before numpy 2: it computes nothing."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    kinds = (np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, np.bool_)
    names = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")
    return [*((scalar, name) for name in names), np.dtype, *(type(np.dtype(one)) for one in kinds)]


def _looks_like_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4)
    return start.startswith((b"PK\x03\x04", b"\x80"))


def write_card(folder: Path, card: ModelCard) -> None:
    """Write the card, after everything else: a folder without a card is unfinished."""
    write_json(folder / CARD_FILE, asdict(card))


def read_card(folder: Path) -> ModelCard:
    """Read a model folder's card. Raises InputError when the folder holds none, or only a pickle."""
    path = folder / CARD_FILE
    if not path.is_file():
        pickles = [p.name for p in sorted(folder.glob("*")) if p.suffix in PICKLE_SUFFIXES]
        if folder.suffix in PICKLE_SUFFIXES or pickles:
            name = pickles[0] if pickles else folder.name
            raise InputError(f"{folder}: {name} is a pickle checkpoint; xgaze never opens these. {_REMEDY}")
        raise InputError(f"{folder}: not a model folder ({CARD_FILE} is missing). Run `xgaze train-teacher` first.")
    stored = read_json(path, _AGAIN)
    require(stored, _StoredCard, path, _AGAIN)
    return ModelCard(**stored)


_AGAIN = "Train or distil again with --force, or take another copy of the folder."


class _Closed(Stored):
    model_config = ConfigDict(extra="forbid")


_StoredCard = schema_of(ModelCard, _Closed)
