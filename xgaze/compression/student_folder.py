"""A student's folder: is it finished, and is it this teacher's? Nothing heavy is imported: a finished one answers at once."""

from pathlib import Path

from pydantic import ValidationError

from xgaze.artifacts import CARD_FILE, STUDENT, TEACHER, WEIGHTS_FILE, ModelCard, file_hash, read_card
from xgaze.errors import InputError
from xgaze.recipe import Recipe


def student_of_teacher(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is a finished student of this recipe's teacher, whatever its own budget."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    return card if not _is_foreign(card, recipe) and _is_current(card, folder) else None


def _is_foreign(card: ModelCard, recipe: Recipe) -> bool:
    """Whether it is no student, or one of another teacher's settings."""
    try:
        return card.role != STUDENT or Recipe.model_validate(card.recipe).teacher_hash() != recipe.teacher_hash()
    except ValidationError:  # the recipe of another version, or none
        return True


def _is_current(card: ModelCard, folder: Path) -> bool:
    """Whether the teacher beside it is still the one it learned from."""
    return bool(card.metrics.get("teacher_weights") == teacher_weights(folder))


def teacher_weights(folder: Path) -> str:
    """Hash of the weights of the teacher beside a student's folder: a teacher trained again is another one. Empty without any."""
    file = folder.parent / TEACHER / WEIGHTS_FILE
    return file_hash(file) if file.is_file() else ""


def finished_student(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is this recipe's finished student. Raises InputError for the model of another recipe: what took
    minutes is never overwritten by accident."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    if _is_foreign(card, recipe):
        raise InputError(
            f"{folder}: holds a {card.role} of other settings (recipe '{card.recipe.get('name')}'). Give the settings it was "
            "distilled with, or --set name=NEW to keep both, or distil with --force to replace it."
        )
    return card if _is_current(card, folder) and card.recipe_hash == recipe.student_hash() else None
