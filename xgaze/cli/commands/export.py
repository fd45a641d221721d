"""`xgaze export`"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from xgaze.api.runs import opened
from xgaze.artifacts import CARD_FILE, STUDENT, TEACHER, ModelCard, read_card
from xgaze.cli.common import DEFAULT_RECIPE, emit, ends_in_words, invocation, next_command, note, read_recipe, run_of
from xgaze.errors import InputError
from xgaze.recipe import ModelSection, Recipe
from xgaze.writing import one_writer

if TYPE_CHECKING:
    from xgaze.data.contract import Recording

WITHOUT_DATA = ("onnx", "package")
"""Written without knowing what is true."""


@click.command("export")
@click.argument("model", metavar="[RECIPE or FOLDER]", default=DEFAULT_RECIPE)
@click.option(
    "--to", required=True, type=click.Choice(["onnx", "int8", "c", "pte", "tflite", "package"]), help="What to write."
)
@click.option(
    "--bits", type=click.Choice(["8", "32"]), default="8", show_default=True, help="Of --to c: integers or floats."
)
@click.option(
    "--samples", type=click.IntRange(1, 10_000), default=16, show_default=True, help="Test samples that go with it."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@click.option(
    "--trust-import", is_flag=True, help="Let a model that is a class of a module import it, which runs its code."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export(
    model: str, to: str, bits: str, samples: int, overrides: tuple[str, ...], trust_import: bool, as_json: bool
) -> None:
    """Write the student for where it is used: ONNX, ONNX in 8 bits, one C file for a microcontroller, or a program for ExecuTorch
    (pte) or LiteRT (tflite), where their packages are installed. Or one ZIP file to send, of all of these that there are.

    The student is RECIPE's, or that in FOLDER. It is written into its own folder, compared with the model on test samples, and
    packed for sending: predict.py, the samples, and checksums, which `xgaze verify` goes through.

    \b
    Example:
      xgaze export --to c
      xgaze export checkpoints/multi-eye/student --to c --bits 32
    """
    folder, recipe, own = located(model, overrides)
    with one_writer(folder.parent):
        from xgaze.compression.export.exported import export_student, require_installed

        require_installed(to)
        recording = recording_of(recipe, folder, to)
        done = export_student(folder, recording, to, int(bits), samples, own, trust_import, recipe, invocation())
        card_refreshed(folder)
        if to == "package":
            done |= packed(folder, recipe)
    figures = {"folder": str(folder), "to": to, **done}
    emit(figures, in_words(figures), as_json)


def packed(folder: Path, recipe: Recipe) -> dict[str, Any]:
    """The file to send, and its size."""
    from xgaze.compression.export.checksums import write_package

    file = write_package(folder, f"{recipe.name}-{folder.name}")
    return {"file": str(file), "bytes": file.stat().st_size}


def card_refreshed(folder: Path) -> None:
    """The student's model_card.md, where its run lies around it, as `xgaze report` writes it."""
    if read_card(folder).role == STUDENT and (folder.parent / TEACHER / CARD_FILE).is_file():
        from xgaze.report.page.publish import write_model_card

        try:
            write_model_card(folder.parent)
        except InputError as fault:  # of another part of the run: what was asked for is written
            note(f"model_card.md was not written: {fault}")


def recording_of(recipe: Recipe, folder: Path, to: str) -> "Recording":
    """The recipe's recording; where a teacher says what is true, it is the one beside the model, wherever that lies. ONNX is
    written without. Raises InputError."""
    from xgaze.data.teacher_truth import TRUTH_FILE, judged_by_stored
    from xgaze.recorded_targets import BY_TEACHER

    truth = folder.parent / TEACHER / TRUTH_FILE
    if recipe.data.truth == BY_TEACHER and to not in WITHOUT_DATA and not truth.is_file():
        raise InputError(
            f"{truth}: no such file. There are no labels (data.truth: teacher), and --to {to} is compared on what the teacher "
            f"puts out. Put the folder of its teacher beside {folder}, or export with --to onnx."
        )
    recording = opened(run_of(recipe), adopting=True)
    return recording if to in WITHOUT_DATA else judged_by_stored(recording, truth.parent)


def located(model: str, overrides: tuple[str, ...]) -> tuple[Path, Recipe, ModelSection | None]:
    """The folder, the recipe its data are of, and the model that a recipe of the user's own says it is."""
    folder = Path(model)
    if (folder / CARD_FILE).is_file():
        if overrides:
            raise InputError(f"--set changes a recipe, and {model} is a folder.")
        return folder, recipe_of(folder, read_card(folder)), None
    if folder.is_dir():
        raise InputError(f"{folder}: not a model folder ({CARD_FILE} is missing).")
    recipe = read_recipe(model, overrides)
    student = run_of(recipe).folder / STUDENT
    if not (student / CARD_FILE).is_file():
        distil_first = next_command("distill", model, overrides)
        raise InputError(f"{student}: no finished student of this recipe. Run `{distil_first}` first.")
    return student, recipe, recipe.model


def recipe_of(folder: Path, card: ModelCard) -> Recipe:
    """The recipe that a model was made with. Raises InputError where its card holds none."""
    try:
        return Recipe.model_validate(card.recipe)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, ("recipe", *fault["loc"])))
        raise InputError(f"{folder / CARD_FILE}: key '{where}': {fault['msg']}.") from None


def in_words(figures: dict[str, Any]) -> list[str]:
    """What was written, how it compares with the model, and what it takes."""
    count = figures["samples"]
    equal = f"ONNX equals torch to {figures['onnx_parity']:.0e} on {count} test samples."
    words = [equal] if "onnx_parity" in figures else []
    if figures["to"] == "c":
        words += firmware_in_words(figures)
    else:
        words.append(f"Size: {figures['bytes'] / 1e3:.0f} kB.")
    if "runtime" in figures:
        worse = figures["worse_percent"]
        words.append(
            f"{figures['runtime']} equals the model to {figures['parity']:.0e}; {worse['mean']:+.1f} {figures['worse_unit']} "
            f"{ends_in_words(worse, '+.1f')} against it, on validation people."
        )
    if figures["to"] == "int8":
        words += int8_in_words(figures)
    if figures["to"] == "package":
        return [
            *words,
            f"To send: {figures['file']}. It holds pictures of test people; `xgaze verify` tells whether it arrived whole.",
        ]
    return [*words, f"Lies in: {figures['folder']}"]


def int8_in_words(figures: dict[str, Any]) -> list[str]:
    """The form, what it costs, and that stored figures are of another file."""
    worse, unit = figures["worse_than_floats_percent"], figures["worse_unit"]
    cost = (
        f" {worse['mean']:+.1f} {unit} {ends_in_words(worse, '+.1f')} against floats, on validation people."
        if worse
        else ""
    )
    return [
        f"Form: {figures['form']}.{cost} {figures['note']}".rstrip(),
        "model.json tells of this file now; `xgaze report` writes the page anew."
        if figures["card"]
        else "What model.json says of 8 bits is of the file that was made with the student: there is nothing to compare with.",
    ]


def firmware_in_words(figures: dict[str, Any]) -> list[str]:
    """Sizes in bytes of thousands; no time, which depends on the processor's clock and memory."""
    sizes, room = figures["sizes"], figures["input"] / 1e3
    lines = [
        f"Weights and tables {figures['weights'] / 1e3:.1f} kB, static memory {figures['arena'] / 1e3:.1f} kB, "
        f"and {room:.1f} kB for one input at a time; {figures['macs']:,} multiply-adds."
    ]
    for name, one in (sizes or {}).items():
        lines.append(
            f"{name}: flash {one['flash'] / 1e3:.1f} kB, RAM {one['ram'] / 1e3:.1f} kB (with one input "
            f"{one['ram'] / 1e3 + room:.1f} kB)."
        )
    for name, one in (figures["instructions"] or {}).items():
        lines.append(f"{name}: {one / 1e6:,.1f} million instructions for one sample, counted by QEMU.")
    if figures["as_here"] is not None:
        same = (
            "puts out the same to the bit as here"
            if figures["as_here"]
            else "does NOT put out the same to the bit as here"
        )
        lines.append(f"There it {same}.")
    if not sizes:
        lines.append("Flash and RAM not measured: arm-none-eabi-gcc is not installed.")
    return [*_compared(figures), *lines]


def _compared(figures: dict[str, Any]) -> list[str]:
    """With the model, sample by sample, and over people."""
    apart, whole = figures["apart"], figures["form"] == "int8"
    if apart is None:
        return ["The C file was not run: no C compiler is installed."]
    equal = "equals its reference arithmetic to the bit; " if whole else ""
    lines = [f"C {equal}at most {apart:.2g} from the model's outputs, on {figures['samples']} test samples."]
    for key, who in (("worse_percent", "C in 8 bits"), ("onnxruntime_worse_percent", "onnxruntime in 8 bits")):
        if key in figures:
            one, unit = figures[key], figures["worse_unit"]
            lines.append(
                f"{who}: {one['mean']:+.1f} {unit} {ends_in_words(one, '+.1f')} against floats, on validation people."
            )
    return lines
