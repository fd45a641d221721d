"""A teacher's folder: is it finished, and what does a training leave in it? Nothing heavy is imported."""

import shutil
from contextlib import suppress
from pathlib import Path

from xgaze.artifacts import CARD_FILE, WEIGHTS_FILE, ModelCard, file_hash, read_card, write_json
from xgaze.code_version import source_hash
from xgaze.errors import InputError
from xgaze.recipe import Recipe
from xgaze.stored import Stored, read_mapping

RUN = "run.json"
TRAINING, EMBEDDINGS = "training", "embeddings"
HEAD = "head"


def second_recipe(recipe: Recipe) -> Recipe:
    """The same teacher on the same data from another seed: how alike two equally good models explain themselves."""
    return recipe.model_copy(update={"seed": recipe.seed + 1})


def finished_teacher(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is finished. Raises InputError if it belongs to another recipe: minutes of training are
    never overwritten by accident."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    if card.recipe_hash != recipe.teacher_hash():
        raise InputError(
            f"{folder}: holds a teacher of other settings (recipe hash {card.recipe_hash}, yours {recipe.teacher_hash()}). "
            "Give the settings it was trained with, or --set name=NEW to keep both, or train with --force to replace it."
        )
    return card


def forget_training(folder: Path) -> None:
    """Remove what a finished teacher no longer needs: what it would have gone on from after a kill. Its mark goes first, so that
    nobody goes on from half of it."""
    (folder / TRAINING / RUN).unlink(missing_ok=True)
    shutil.rmtree(folder / TRAINING, ignore_errors=True)


def leave_embeddings(folder: Path) -> None:
    """Keep what the head of a finished teacher was trained on: a distillation would collect the same again."""
    collected = folder / TRAINING / HEAD
    shutil.rmtree(folder / EMBEDDINGS, ignore_errors=True)
    (folder / EMBEDDINGS).mkdir()
    for file in collected.glob("*.npy"):
        file.replace(folder / EMBEDDINGS / file.name)
    write_json(folder / EMBEDDINGS / RUN, {"hash": _embedding_hash(folder)})


def left_embeddings(folder: Path, split: str) -> Path | None:
    """What enters the head of this teacher, of all samples of a split; None unless this very teacher and code left it."""
    with suppress(InputError):
        mark = read_mapping(folder / EMBEDDINGS / RUN, _Mark, "It is collected again.")
        if mark["hash"] == _embedding_hash(folder):
            return folder / EMBEDDINGS / f"{split}.npy"
    return None


class _Mark(Stored):
    hash: str


def _embedding_hash(folder: Path) -> str:
    return f"{file_hash(folder / WEIGHTS_FILE)}-{source_hash()}"
