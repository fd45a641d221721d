"""Maps of where people will look, scored on photographs that the models never saw."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from xgaze.api.distilling import run_again
from xgaze.api.explained_run import finished_pair
from xgaze.api.outcomes import Distilled, Figure, Teacher, Told
from xgaze.api.runs import Run, opened, python_words, recipe_faults_first
from xgaze.compression.reproduction import require_predictions
from xgaze.compression.student import load_model
from xgaze.data.contract import Recording
from xgaze.models.layers import FeatureHead
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe
from xgaze.report.drawing.format import NOT_DEFINED
from xgaze.scorings import log_scoring
from xgaze.training.saliency_test import SaliencyScores, require_looked_at, score_saliency
from xgaze.writing import one_writer

SHOWN = {"shuffled_auc": "shuffled AUC", "nss": "NSS", "information_gain": "bits"}


@dataclass(frozen=True, repr=False, eq=False)
class Saliency(Told):
    """How well maps tell where people look. scores: tables of all photographs and viewings, and their summary; folders: of the
    models, in which they lie."""

    run: Run
    scores: SaliencyScores
    folders: tuple[Path, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One line per model and photograph."""
        return self.scores.pictures

    @property
    def figures(self) -> dict[str, Any]:
        """Means and differences with intervals over photographs and viewers."""
        return self.scores.figures

    def title(self) -> str:
        told = self.figures
        return f"Maps of '{self.run.recipe.name}' on {told['test_pictures']} photographs, {told['viewers']} viewers"

    def rows(self) -> list[tuple[str, str]]:
        return [
            (model, ", ".join(f"{words} {_figure(scores[metric])}" for metric, words in SHOWN.items()))
            for model, scores in self.figures["scores"].items()
        ]


def _figure(score: dict[str, Any]) -> str:
    found = score["over_pictures"]
    return NOT_DEFINED if found is None else str(Figure.of(found, "", "photographs"))


def saliency(made: Distilled | Teacher | Recipe | str, data: Any = None, *, pictures: int | None = None) -> Saliency:
    """Where will people look in a photograph? Maps of teacher and student, scored on photographs that they never saw, beside the
    centre bias and other people, who are the ceiling.

    made: what `xgaze.distill` or `xgaze.train_teacher` returned, or a recipe, by name or path. data: what they were made on,
    unless they hold it still. pictures: only so many, drawn by seed. Raises InputError.
    """
    with python_words():
        return scored_maps(run_again(made, data), pictures)


def scored_maps(run: Run, pictures: int | None) -> Saliency:
    """The same of a run; the scores are kept beside its models, and the scoring of test photographs is counted."""
    with recipe_faults_first(run):
        roles = finished_pair(run)
    recording = opened(run)
    require_looked_at(recording)
    models = {role: _model(run, recording, role) for role in roles}
    folders = tuple(run.folder / role for role in models)
    with one_writer(run.folder):
        with progress_bar("looking at test photographs") as advance:
            scores = score_saliency(models, recording, pictures, run.recipe.seed, advance)
        for folder in folders:
            scores.write(folder)
        log_scoring(run.folder, "saliency", run.command)
    return Saliency(run, scores, folders)


def _model(run: Run, recording: Recording, role: str) -> FeatureHead:
    """The model, which predicts what it did when it was stored. Raises InputError."""
    folder = run.folder / role
    model, card = load_model(folder, run.recipe.model)
    require_predictions(model, card, recording, folder)
    return model
