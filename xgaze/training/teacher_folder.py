"""A teacher's folder: is it finished, and what does a training leave in it? Nothing heavy is imported."""

import shutil
from pathlib import Path

from xgaze.artifacts import CARD_FILE, ModelCard, read_card
from xgaze.errors import InputError
from xgaze.recipe import Recipe

RUN = "run.json"
TRAINING = "training"
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
