"""`xgaze check`"""

from pathlib import Path

import click

from xgaze.cli.common import emit
from xgaze.data.fault_kinds import REMEDIES, summarise
from xgaze.progress import progress_bar
from xgaze.recipe import Data, load_data


@click.command("check")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, such as data.path.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="A model that shall read it: are its pictures as those in training, and its labels of the same time?",
)
@click.option(
    "--trust-import", is_flag=True, help="Let a model that is a class of a module import it, which runs its code."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(data: Path, overrides: tuple[str, ...], against: Path | None, trust_import: bool, as_json: bool) -> None:
    """Is my recording sound? DATA is a data definition (YAML) or a recipe; all faults are shown at once.

    Writes nothing. Exit code 2 if there are faults.

    \b
    Example:
      xgaze check my_recording.yaml
      xgaze check my_recording.yaml --against checkpoints/multi-eye/teacher
      xgaze check scanpath-cnn --set data.path=fixations.csv
    """
    definition = load_data(data, overrides)  # whose faults are said before anything heavy is imported
    from xgaze.api.own_data.checking import checked_definition
    from xgaze.data.source import source_of

    with progress_bar("checking") as advance:
        found = checked_definition(definition, against, trust_import, advance)
    faults = summarise(found.faults)
    told = [
        *found.remarks,
        *([] if faults else [*source_of(definition).remarks(definition), *_rare_classes(definition)]),
    ]
    words = [] if faults else [f"{data}: no fault found."]
    for fault in faults:
        words.append(f"{fault['kind']}: {fault['count']}")
        words += [f"  {line}" for line in fault["first"]]
        if fault["count"] > len(fault["first"]):
            words.append(f"  ... and {fault['count'] - len(fault['first'])} more")
        words.append(f"  Remedy: {REMEDIES[fault['kind']]}")
    words += told
    emit({"ok": not faults, "faults": faults} | ({"remarks": told} if told else {}), words, as_json)
    if faults:
        raise click.exceptions.Exit(2)


def _rare_classes(data: Data) -> list[str]:
    """Of a sound recording with classes: no picture is decoded for it."""
    from xgaze.data.notes import rare_classes
    from xgaze.data.open import open_recording
    from xgaze.data.source import source_of

    spec = source_of(data).spec(data)
    return [] if spec and spec.kind != "class" else rare_classes(open_recording(data))
