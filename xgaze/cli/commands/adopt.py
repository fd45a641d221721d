"""`xgaze adopt`"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from xgaze.api.outcomes import Teacher
from xgaze.artifacts import BESIDE
from xgaze.cli.common import (
    emit,
    error_in_words,
    note,
    nothing_learned,
    rendered_warning,
    run_of,
    scored_so_far,
    short_error,
)
from xgaze.errors import InputError
from xgaze.progress import progress_bar
from xgaze.recipe import DataSection, Recipe, load_data
from xgaze.recipe.loading import load_section
from xgaze.report.claims import ADOPTED, DISAGREEMENT

DATA_KEYS, OUTPUT_KEY = "data.", "model.output="
HEAD = "# A teacher that was adopted: xgaze distill and xgaze explain go on with this recipe.\n"


@click.command("adopt")
@click.argument("model")
@click.option("--weights", type=click.Path(path_type=Path), help="A .safetensors, .pth or .pth.tar file.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="A data definition (YAML), or a recipe.")
@click.option("--arg", "args", multiple=True, metavar="KEY=VALUE", help="An argument of the network's constructor.")
@click.option("--name", help="Name of its recipe and folder; that of the class unless given.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@click.option("--force", is_flag=True, help="Score again, and replace what lies under this name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to stderr.")
def adopt(
    model: str,
    weights: Path | None,
    data: Path,
    args: tuple[str, ...],
    name: str | None,
    overrides: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Take a teacher that was trained elsewhere: MODEL is package.module:Class, a registered architecture, a
    recipe whose model it is, or an .onnx file.

    Nothing is trained. It is scored on the test participants of DATA beside baselines, and its recipe is written as NAME.yaml,
    with which xgaze distill and xgaze explain go on. Without labels (truth: teacher) what it puts out is taken for true.

    \b
    Example:
      xgaze adopt mypackage:MyNet --weights best.pth --data my_recording.yaml
      xgaze adopt mypackage:MyNet --weights best.pth --data my_recording.yaml --arg width=64
      xgaze adopt mynet.onnx --data my_recording.yaml
    """
    definition = load_data(data, tuple(one for one in overrides if one.startswith(DATA_KEYS)))
    from xgaze.api.adopting import have_adopted, name_of, section_of
    from xgaze.artifacts import write_text
    from xgaze.data.open import open_recording

    with progress_bar("preparing the recording") as advance:
        recording = open_recording(definition, advance)
    call, told = told_of(model, args, overrides)
    section, network = section_of(model, {}, weights, recording, note, call)
    recipe = recipe_of(name or name_of(model), section, definition, recording.spec.kind, told)
    file, text = Path(f"{recipe.name}.yaml"), recipe_text(recipe)
    if file.exists() and not force and file.read_text(encoding="utf-8") != text:
        raise InputError(f"{file}: is another recipe. Give this one a --name, or replace it with --force.")
    run = replace(run_of(recipe, "xgaze adopt"), recording=recording)
    made = have_adopted(run, weights, network, force)
    write_text(file, text)
    figures = figures_of(made, file)
    emit(figures, in_words(figures, made), as_json)


def told_of(model: str, args: tuple[str, ...], overrides: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Which output of an ONNX file is meant, which is chosen once: the recipe holds a network of that output alone; and what
    overrides the recipe."""
    from xgaze.api.adopting import is_onnx

    own = [one for one in overrides if not one.startswith(DATA_KEYS)]
    asked = [one for one in own if one.startswith(OUTPUT_KEY)] if is_onnx(model) else []
    place = asked[-1].removeprefix(OUTPUT_KEY) if asked else ""
    call: dict[str, Any] = {"output": int(place) if place.isdecimal() else place} if place else {}
    return call, (*(f"model.args.{one}" for one in args), *(one for one in own if one not in asked))


def recipe_of(name: str, section: dict[str, Any], data: DataSection, kind: str, overrides: tuple[str, ...]) -> Recipe:
    """The recipe that is written, whose paths start in this folder."""
    from xgaze.api.adopting import adopted_recipe

    stored = adopted_recipe(name, section, data.model_dump(mode="json", exclude_unset=True), kind, {})
    return load_section(Recipe, stored, overrides, Path("xgaze adopt"))


def recipe_text(recipe: Recipe) -> str:
    """The recipe as a file, with what was said in it alone."""
    import yaml

    return HEAD + yaml.safe_dump(recipe.model_dump(mode="json", exclude_unset=True), sort_keys=False)


def figures_of(made: Teacher, file: Path) -> dict[str, Any]:
    """The figures of `--json`."""
    metrics = made.card.metrics
    told = ("accuracy", "weighted_f1", "macro_f1", BESIDE)
    extra: dict[str, Any] = {key: metrics[key] for key in told if key in metrics}
    return {
        "recipe": made.run.recipe.name,
        "recipe_file": str(file),
        "model_dir": str(made.folder),
        "adopted": metrics["adopted"],
        **{key: metrics[key] for key in ("parameters", "fc_parameters", "macs", "participants", "error")},
        **({"truth": "teacher", "error": None} if made.card.spec.get("truth") == "teacher" else {}),
        **{key: metrics.get(key) for key in ("learned", "against_guessing")},
        **extra,
        "baselines": {name: one["mean"] for name, one in metrics["baselines"].items()},
    }


def in_words(figures: dict[str, Any], made: Teacher) -> list[str]:
    """The lines for a person."""
    labels = figures["error"] is not None
    people, groups = figures["participants"], made.groups
    who = "people" if groups == "participants" else groups
    share = 100 * figures["fc_parameters"] / figures["parameters"]
    beside = ", ".join(f"{name} {short_error(one)}" for name, one in made.card.metrics["baselines"].items())
    figured = (f"  {DISAGREEMENT}", f"  How far others are from it, fitted on {people['train']} other {who}: {beside}.")
    if labels:
        figured = (
            f"  On {people['test']} test {who}: {error_in_words(figures['error'], groups)}.",
            f"  Beside it, from {people['train']} other {who}: {beside}.",
        )
    return [
        *nothing_learned(figures, groups),
        f"Adopted '{figures['recipe']}', {ADOPTED}.",
        *figured,
        f"  {figures['parameters']:,} parameters, {share:.0f} % of them in fully connected layers; nothing was trained.",
        scored_so_far(made.folder.parent, groups, labels),
        *rendered_warning(made.card.spec["rendered"]),
        f"Lies in: {figures['model_dir']}",
        f"Next:    xgaze distill {figures['recipe_file']}",
    ]
