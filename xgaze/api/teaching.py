"""Train a teacher, or find the one that was trained."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xgaze.api.outcomes import Teacher
from xgaze.api.runs import CHECKPOINTS, REPORTS, Run, opened, python_words, recipe_faults_first, say_in_python
from xgaze.api.same_model import require_same_model
from xgaze.artifacts import CARD_FILE, ModelCard, read_card
from xgaze.errors import InputError, nearest
from xgaze.recipe import Recipe, load_recipe
from xgaze.recipe.loading import load_section
from xgaze.recipe.schema import FORMS
from xgaze.report.remedies import TRAIN
from xgaze.report.schemas import TeacherCard
from xgaze.stored import require
from xgaze.writing import new_folder, one_writer, replace_folder

if TYPE_CHECKING:
    from torch import nn

    from xgaze.api.opening import OpenRecording
    from xgaze.data.sources.arrays import ArrayRecording

VERB = "train_teacher"
AS_IT_IS: Mapping[str, Any] = MappingProxyType({})
"""Nothing is said of how a network is called."""
LOSSES = {"gaze": "smooth-l1", "angle": "smooth-l1", "value": "smooth-l1", "class": "cross-entropy"}


def train_teacher(
    model: "nn.Module | Recipe | str",
    data: "ArrayRecording | OpenRecording | None" = None,
    *,
    name: str | None = None,
    folder: str | Path = CHECKPOINTS,
    reports: str | Path = REPORTS,
    seed: int = 0,
    args: dict[str, Any] | None = None,
    takes: str | None = None,
    output: str | int | None = None,
    second: bool = False,
    force: bool = False,
    **settings: Any,
) -> Teacher:
    """Train a teacher; one that was trained on the same data with the same settings is only read.

    model: any nn.Module with a fully connected layer, trained from the weights it has (a copy: it stays as it is); or the name
    of a registered architecture, or "package.module:Class", with `args`; or, without `data`, a recipe, by name or path.
    data: what `xgaze.open` or `xgaze.ArrayRecording` give.
    takes, output: of a network at hand or a class, how its forward takes several inputs ("one-by-one", "keywords", "list",
    "dict", "stacked", "joined"), and which part of what it returns is the output (key, or place from 0), where that is not clear.
    second: another one, from seed + 1, beside the first, for `xgaze.explain` to compare with; of networks that begin at random.
    settings: keys of a recipe's section `training`, such as epochs=5.

    Weights are selected on validation participants; test participants are scored at the end, and such scorings are counted.
    Results lie in folder/name; name: that of the network's class unless given. Raises InputError.
    """
    with python_words():
        given = {"name": name, "seed": seed, "args": args, "call": called_as(takes, output)}
        run = run_to_train(model, data, Path(folder), Path(reports), given, settings)
        if second and run.recipe.model.graph is not None:
            raise InputError("second: a network at hand begins with the weights it has, and so would another one.")
        return have_teacher(run, second, force)


def run_to_train(
    model: Any, data: Any, folder: Path, reports: Path, given: dict[str, Any], settings: dict[str, Any]
) -> Run:
    """The run of a network and data at hand, or of a recipe; given: name, seed, args and call. Raises InputError."""
    if data is not None:
        return Run(recipe_of(model, data, folder, given, settings), folder, reports, data_of(data), say=say_in_python)
    if not isinstance(model, Recipe | str):
        raise InputError("a network needs data to be trained on: xgaze.train_teacher(net, data).")
    if given["call"]:
        raise InputError("takes, output: a recipe says these itself, under `model`.")
    recipe = model if isinstance(model, Recipe) else load_recipe(model)
    run = Run(recipe, folder, reports, say=say_in_python)
    return run.with_settings("training", settings, VERB) if settings else run


def called_as(takes: str | None, output: str | int | None) -> dict[str, Any]:
    """What is said of these, as in a recipe's section `model`. Raises InputError for a form that is not known."""
    if takes is not None and takes not in FORMS:
        raise InputError(f"takes '{takes}': {nearest(takes, FORMS)}")
    return {key: one for key, one in {"takes": takes, "output": output}.items() if one is not None}


def data_of(data: Any) -> Any:
    """The recording itself. Raises InputError for what is none."""
    if not hasattr(data, "definition"):
        raise InputError("data: give what xgaze.open or xgaze.ArrayRecording return.")
    return getattr(data, "recording", data)


def recipe_of(model: Any, data: Any, folder: Path, given: dict[str, Any], settings: dict[str, Any]) -> Recipe:
    """The recipe of a network and data at hand; given: name, seed, args and call."""
    recording = data_of(data)
    called = given["name"] or (model.rpartition(":")[2] if isinstance(model, str) else type(model).__name__)
    if isinstance(model, str):
        section = {"import" if ":" in model else "name": model, "args": given["args"] or {}, **given["call"]}
    else:
        from xgaze.models.own_networks.at_hand import model_at_hand
        from xgaze.models.own_networks.call_forms import Call

        section = model_at_hand(model, recording, folder / called, Call.of(given["call"]))
    stored = {
        "name": called,
        "seed": given["seed"],
        "data": data.definition.model_dump(mode="json"),
        "model": section,
        "training": {"loss": LOSSES[recording.spec.kind], **settings},
    }
    return load_section(Recipe, stored, (), Path(f"xgaze.{VERB}"))


def have_teacher(run: Run, second: bool = False, force: bool = False) -> Teacher:
    """A finished teacher of the run's recipe, trained first where there is none, or by force. second: another one, from
    another seed, beside the first."""
    from xgaze.artifacts import SECOND_TEACHER, TEACHER
    from xgaze.training.teacher_folder import finished_teacher, forget_training, second_recipe

    folder = run.folder / (SECOND_TEACHER if second else TEACHER)
    recipe = second_recipe(run.recipe) if second else run.recipe
    with recipe_faults_first(run):
        card = None if force else finished_teacher(recipe, folder)
    if card is None:
        with one_writer(run.folder):
            _train(run, recipe, folder, force)
    else:
        require_same_model(folder, card, recipe.model)
        forget_training(folder)
        run.say(f"Already trained; --force trains again. ({folder})")
    card = read_card(folder)  # as it is stored, whether it was made now or long ago
    require(vars(card), TeacherCard, folder / CARD_FILE, TRAIN)
    return Teacher(run, folder, card)


def _train(run: Run, recipe: Recipe, folder: Path, force: bool) -> ModelCard:
    """Train into `folder`, or, with force, beside it first: what lies there is replaced by what is finished."""
    from xgaze.training.lightning.devices import require_devices
    from xgaze.training.start.start import check_model
    from xgaze.training.teacher import train_teacher as train
    from xgaze.training.teacher_folder import finished_teacher

    require_devices(recipe.training)
    recording = opened(run)
    # Built once beforehand: a model that cannot be built must not cost minutes.
    check_model(recipe, recording)
    told = (list(recording.notes), run.command, folder.name)
    if not force:
        return finished_teacher(recipe, folder) or train(recipe, recording, folder, *told)
    card = train(recipe, recording, new_folder(folder), *told)
    replace_folder(folder)
    return card
