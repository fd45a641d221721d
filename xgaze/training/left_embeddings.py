"""What a teacher's head was trained on, kept for its distillation, which would collect the same again."""

import hashlib
import shutil
from contextlib import suppress
from pathlib import Path

from xgaze.artifacts import WEIGHTS_FILE, file_hash, write_json
from xgaze.code_version import source_hash
from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.stored import Stored, read_mapping
from xgaze.training.teacher_folder import HEAD, RUN, TRAINING

EMBEDDINGS = "embeddings"
SPLITS = ("train", "validation")


def leave_embeddings(folder: Path, recording: Recording) -> None:
    """Of a finished teacher. Where they cannot be kept, as on a full disk, a distillation collects them again."""
    with suppress(OSError):
        shutil.rmtree(folder / EMBEDDINGS, ignore_errors=True)
        (folder / EMBEDDINGS).mkdir()
        for split in SPLITS:
            (folder / TRAINING / HEAD / f"{split}.npy").replace(folder / EMBEDDINGS / f"{split}.npy")
        told = {split: _samples_hash(recording, split) for split in SPLITS}
        write_json(folder / EMBEDDINGS / RUN, {"model": _model_hash(folder), **told})


def left_embeddings(folder: Path, recording: Recording, split: str) -> Path | None:
    """What enters the head of this teacher, of all samples of a split; None unless this very teacher and code left it of these
    very samples and targets."""
    with suppress(InputError, OSError):
        mark = read_mapping(folder / EMBEDDINGS / RUN, _Mark, "It is collected again.")
        if mark["model"] == _model_hash(folder) and mark[split] == _samples_hash(recording, split):
            return folder / EMBEDDINGS / f"{split}.npy"
    return None


class _Mark(Stored):
    model: str
    train: str
    validation: str


def _model_hash(folder: Path) -> str:
    return f"{file_hash(folder / WEIGHTS_FILE)}-{source_hash()}"


def _samples_hash(recording: Recording, split: str) -> str:
    """Which samples, in which order, and what is to be told of them."""
    rows = rows_of(recording, split)
    digest = hashlib.sha256("\n".join(map(str, recording.table["id"].iloc[rows])).encode())
    digest.update(targets_of(recording, rows).tobytes())
    return digest.hexdigest()[:16]
