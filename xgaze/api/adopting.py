"""A teacher that was trained elsewhere: scored as one that was trained here, with nothing trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.api.outcomes import Teacher
from xgaze.api.runs import CHECKPOINTS, REPORTS, Run, Say, opened, python_words, recipe_faults_first, say_in_python
from xgaze.api.same_model import require_same_model
from xgaze.api.teaching import AS_IT_IS, LOSSES, called_as, data_of
from xgaze.artifacts import CARD_FILE, TEACHER, file_hash, read_card
from xgaze.errors import InputError
from xgaze.recipe import Recipe
from xgaze.recipe.loading import load_recipe, load_section
from xgaze.report.remedies import TRAIN
from xgaze.report.schemas import TeacherCard
from xgaze.stored import require
from xgaze.writing import new_folder, one_writer, replace_folder

if TYPE_CHECKING:
    from torch import nn

    from xgaze.api.opening import OpenRecording
    from xgaze.data.contract import Recording
    from xgaze.data.sources.arrays import ArrayRecording
    from xgaze.models.layers import FeatureHead

VERB = "adopt"
MOST_APART = 1e-4
"""Of the range of outputs: an ONNX file that is further from the network made of it is refused."""


def adopt(
    model: "nn.Module | str",
    data: "ArrayRecording | OpenRecording",
    *,
    weights: str | Path | None = None,
    name: str | None = None,
    folder: str | Path = CHECKPOINTS,
    reports: str | Path = REPORTS,
    args: dict[str, Any] | None = None,
    takes: str | None = None,
    output: str | int | None = None,
    force: bool = False,
    **settings: Any,
) -> Teacher:
    """A teacher that was trained elsewhere: nothing is trained. It is scored on the test participants, beside baselines that are
    fitted on the training participants; `xgaze.distill` and `xgaze.explain` take it like any other.

    model: any nn.Module with the weights it has (a copy: it stays as it is); or an .onnx file, by its path; or with `weights`, a
    file, "package.module:Class" or the name of a registered architecture, and their `args`. weights: safetensors, or what
    torch.save wrote (.pth, .pth.tar; no code of it runs); names may lie under "state_dict" or "model", and begin with "module.".
    data: what `xgaze.open` or `xgaze.ArrayRecording` give; its inputs are normalised as the network was trained. Without labels
    (`truth: teacher`, or arrays without targets) nothing is scored: what it puts out is the truth that students are tuned to.
    takes: of a network at hand or a class, how its forward takes several inputs ("one-by-one", "keywords", "list", "dict",
    "stacked", "joined"). output: which part of what it returns, or which output of an ONNX file, is meant (key, or place from 0),
    where that is not clear.
    settings: keys of a recipe's section `training`, by which students are tuned.

    Whether the people in `data` were in its training data is not known here, and the results say so. Results lie in
    folder/name; name: that of the network's class unless given. Raises InputError.
    """
    file = None if weights is None else Path(weights)
    with python_words():
        recording, call = data_of(data), called_as(takes, output)
        section, made = section_of(model, args or {}, file, recording, say_in_python, call)
        told = data.definition.model_dump(mode="json")
        own = adopted_recipe(name or name_of(model), section, told, recording.spec.kind, settings)
        recipe = load_section(Recipe, own, (), Path(f"xgaze.{VERB}"))
        return have_adopted(Run(recipe, Path(folder), Path(reports), recording, say=say_in_python), file, made, force)


def adopted_recipe(
    name: str, section: dict[str, Any], data: dict[str, Any], kind: str, training: dict[str, Any]
) -> dict[str, Any]:
    """The recipe of an adopted teacher as it is stored: distil and explain go on with it."""
    return {"name": name, "data": data, "model": section, "training": {"loss": LOSSES[kind], **training}}


def name_of(model: "nn.Module | str") -> str:
    """Of a recipe: the class, or the file."""
    if not isinstance(model, str):
        return type(model).__name__
    if _is_recipe(model):
        return f"{Path(model).stem}-adopted"  # beside the recipe, not in its place
    return Path(model).stem if is_onnx(model) else model.rpartition(":")[2]


def is_onnx(model: Any) -> bool:
    """Whether a model is named by such a file."""
    return isinstance(model, str) and model.lower().endswith(".onnx")


def _is_recipe(model: str) -> bool:
    return model.lower().endswith((".yaml", ".yml"))


def _of_recipe(path: str) -> dict[str, Any]:
    """Its model section, less where weights came from. Raises InputError."""
    told = load_recipe(path).model.model_dump(mode="json", exclude_defaults=True)
    return {key: one for key, one in told.items() if key not in ("weights", "adopted")}


def section_of(
    model: "nn.Module | str",
    args: dict[str, Any],
    weights: Path | None,
    recording: "Recording",
    say: Say,
    call: Mapping[str, Any] = AS_IT_IS,
) -> "tuple[dict[str, Any], FeatureHead | None]":
    """The model section of a recipe; and the network, where it is at hand or in an ONNX file, as it is rebuilt. call:
    see `called_as`. Raises InputError."""
    if is_onnx(model):
        if weights is not None or args or set(call) - {"output"}:
            raise InputError(f"{model}: an ONNX file holds its weights, and takes no arguments.")
        return _of_onnx(Path(str(model)), recording, say, call.get("output"))
    if not isinstance(model, str):
        if weights is not None:
            raise InputError("weights: a network at hand is adopted with those it has; load them into it first.")
        return _at_hand(model, recording, call)
    if weights is None:
        raise InputError(f"{model}: give the file of its weights, those that it was trained to.")
    if not weights.is_file():
        raise InputError(f"{weights}: {'a folder, not a file' if weights.is_dir() else 'no such file'} of weights.")
    told: dict[str, Any] = _of_recipe(model) if _is_recipe(model) else {"import" if ":" in model else "name": model}
    return {**told, "args": {**told.get("args", {}), **args}, **call, "adopted": file_hash(weights)}, None


def _at_hand(net: "nn.Module", recording: "Recording", call: Mapping[str, Any]) -> "tuple[dict[str, Any], FeatureHead]":
    from xgaze.models.own_networks.at_hand import rebuilt_from_graph, weights_digest
    from xgaze.models.own_networks.call_forms import Call

    section, made = rebuilt_from_graph(net, recording, call=Call.of(call))
    return {**section, "adopted": weights_digest(made.state_dict())}, made


def _of_onnx(
    file: Path, recording: "Recording", say: Say, output: str | int | None
) -> "tuple[dict[str, Any], FeatureHead]":
    """What onnxruntime makes of real samples is what the network makes of them."""
    from xgaze.compression.export.onnx import furthest_from_onnx
    from xgaze.models.own_networks.at_hand import rebuilt_from_graph
    from xgaze.models.own_networks.fidelity import real_batches
    from xgaze.models.own_networks.onnx_network import network_of_onnx

    inputs = {one.name: one.shape for one in recording.spec.inputs}
    net, names, found = network_of_onnx(file, inputs, recording.spec.outputs, output)
    section, made = rebuilt_from_graph(net, recording, file.stem)
    apart = furthest_from_onnx(made, file, names, found, real_batches(recording))
    told = f"{file}: torch and onnxruntime differ by at most {apart:.1e} of what the outputs span"
    if not apart <= MOST_APART:
        raise InputError(f"{told}, more than {MOST_APART:g}: some operation was read wrongly. Adopt its class instead.")
    say(f"{told}.")
    return {**section, "adopted": file_hash(file)}, made


def have_adopted(run: Run, weights: Path | None, made: "FeatureHead | None" = None, force: bool = False) -> Teacher:
    """The teacher that was adopted, stored and scored first where it was not, or by force. weights: the file of the weights of a
    class; made: a network that was at hand, as it is rebuilt."""
    from xgaze.training.teacher_folder import finished_teacher

    folder = run.folder / TEACHER
    with recipe_faults_first(run):
        card = None if force else finished_teacher(run.recipe, folder)
    if card is None:
        with one_writer(run.folder):
            _store(run, weights, made, folder, force)
    else:
        require_same_model(folder, card, run.recipe.model)
        run.say(f"Already adopted; --force scores it again. ({folder})")
    card = read_card(folder)  # as it is stored, whether it was made now or long ago
    require(vars(card), TeacherCard, folder / CARD_FILE, TRAIN)
    return Teacher(run, folder, card)


def _store(run: Run, weights: Path | None, made: "FeatureHead | None", folder: Path, force: bool) -> None:
    """Into `folder`, or, with force, beside it first: what lies there is replaced by what is finished."""
    from xgaze.models.adopted import adopted_network
    from xgaze.training.teacher import store_adopted
    from xgaze.training.teacher_folder import finished_teacher

    recording = opened(run, adopting=True)
    if made is None:
        assert weights is not None
        made = adopted_network(run.recipe.model.model_dump(mode="json"), weights, recording)
    if not force and finished_teacher(run.recipe, folder):
        return
    target = new_folder(folder) if force else folder
    store_adopted(made, run.recipe, recording, target, list(recording.notes), run.command)
    if force:
        replace_folder(folder)
