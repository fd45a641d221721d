"""Cross-validate a teacher over participants, or read what was found."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xgaze.api.outcomes import Figure, Told
from xgaze.api.runs import CHECKPOINTS, REPORTS, Run, opened, python_words, recipe_faults_first, require_files
from xgaze.api.teaching import called_as, run_to_train
from xgaze.artifacts import CARD_FILE, TEACHER
from xgaze.jobs import Fan
from xgaze.recipe import Recipe
from xgaze.training.crossval.run import FOLDERS, Asked, cross_validate, finished_crossval
from xgaze.training.lightning.devices import require_devices
from xgaze.training.start.start import check_model
from xgaze.writing import new_folder, one_writer, replace_folder

if TYPE_CHECKING:
    from torch import nn

    from xgaze.api.opening import OpenRecording
    from xgaze.data.sources.arrays import ArrayRecording


@dataclass(frozen=True, repr=False)
class CrossValidation(Told):
    """Everybody tested once. found: what crossval.json holds; folder: where it lies, with the predictions of all folds."""

    run: Run
    folder: Path
    found: dict[str, Any]

    @property
    def score(self) -> Figure:
        """Over all folds; of classes more is better."""
        return self._figure(self.found["score"])

    def _figure(self, stored: dict[str, Any]) -> Figure:
        return Figure.of(stored, stored["unit"], self.found["groups"])

    def report(self) -> Path | None:
        """Write the page of the run, where there is a teacher to report on. Returns where it lies."""
        from xgaze.report.page.publish import publish

        known = (self.run.folder / TEACHER / CARD_FILE).is_file()
        return publish(self.run.folder, self.run.report_folder) if known else None

    def title(self) -> str:
        return f"Cross validation of '{self.found['recipe']}', {self.found['folds']} folds"

    def rows(self) -> list[tuple[str, str]]:
        found = self.found
        return [
            ("tested", f"{found['participants_tested']} of {found['participants']} {found['groups']}"),
            ("estimate", found["estimate"]),
            ("score" if found["score"]["unit"] not in ("px", "ms") else "error", str(self.score)),
            *((f"beside it: {name}", str(self._figure(one))) for name, one in found["baselines"].items()),
            ("lies in", str(self.folder)),
        ]


def crossval(
    model: "nn.Module | Recipe | str",
    data: "ArrayRecording | OpenRecording | None" = None,
    *,
    outer: int = 8,
    inner: int = 7,
    seeds: int = 1,
    protocol: Literal["nested", "paper"] = "nested",
    workers: int = 1,
    name: str | None = None,
    folder: str | Path = CHECKPOINTS,
    reports: str | Path = REPORTS,
    seed: int = 0,
    args: dict[str, Any] | None = None,
    takes: str | None = None,
    output: str | int | None = None,
    force: bool = False,
    **settings: Any,
) -> CrossValidation:
    """Cross-validate a teacher over participants: everyone is tested once, by a model that never saw them.

    model, data, settings and the rest: as of `xgaze.train_teacher`. outer: folds of people who are tested; inner: trainings that
    select how long to train, 1: one person in five; seeds: all of it again so often. protocol: "paper" replays the published one
    of the heatmap classifier, which is no clean estimate. workers: folds at the same time, of recordings that lie in files.

    What was stopped goes on fold by fold; what is finished is only read. Raises InputError.
    """
    with python_words():
        given = {"name": name, "seed": seed, "args": args, "call": called_as(takes, output)}
        run = run_to_train(model, data, Path(folder), Path(reports), given, settings)
        require_files(run, workers)
        return have_crossval(run, Asked(outer, inner, seeds, protocol), Fan(workers), force)


def have_crossval(run: Run, asked: Asked, fan: Fan, force: bool = False) -> CrossValidation:
    """A finished cross validation of the run's recipe, computed first where there is none, or by force."""
    folder = run.folder / FOLDERS[asked.protocol]
    with recipe_faults_first(run, divided=False):
        found = None if force else finished_crossval(run.recipe, asked, folder)
    if found is not None:
        run.say(f"Already cross-validated; --force does it again. ({folder})")
        return CrossValidation(run, folder, found)
    require_devices(run.recipe.training)
    recording = opened(run, divided=False)
    # Built once beforehand: a model that cannot be built must not cost minutes.
    check_model(run.recipe, recording)
    with one_writer(run.folder):
        made = new_folder(folder) if force else folder
        found = cross_validate(run.recipe, recording, asked, made, fan, run.say, run.command)
        if force:
            replace_folder(folder)
    return CrossValidation(run, folder, found)
