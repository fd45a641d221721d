"""`xgaze render`"""

import shlex
from pathlib import Path

import click

from xgaze.cli.common import emit
from xgaze.data.rendered import default_cache_dir, open_recording, write_eye_folders
from xgaze.data.sources.rendered import RenderedData, settings_of
from xgaze.errors import InputError
from xgaze.progress import progress_bar
from xgaze.writing import atomic_path

DEFINITION = "recording.yaml"


@click.command("render")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--people", type=click.IntRange(2, 100_000), default=4, show_default=True, help="Participants per split.")
@click.option(
    "--frames", type=click.IntRange(1, 100_000), default=12, show_default=True, help="Frames per participant."
)
@click.option("--height", type=click.IntRange(32, 4096), default=128, show_default=True)
@click.option("--width", type=click.IntRange(32, 4096), default=160, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def render(folder: Path, people: int, frames: int, height: int, width: int, as_json: bool) -> None:
    """Write rendered eyes into FOLDER as an example of the eye-folders format, with its definition beside.

    \b
    Example:
      xgaze render example_recording
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty; give a folder that does not exist yet.")
    data = RenderedData(
        source="rendered",
        height=height,
        width=width,
        train_participants=people,
        validation_participants=people,
        test_participants=people,
        frames_per_participant=frames,
    )
    with progress_bar("rendering") as advance:
        recording = open_recording(settings_of(data), default_cache_dir(), progress=advance)
    told = f"source: eye-folders\npath: .\nheight: {height}\nwidth: {width}\nscene: {{width: 800, height: 600}}\n"
    with atomic_path(folder) as made:
        write_eye_folders(recording, made)
        (made / DEFINITION).write_text(told, encoding="utf-8")
    definition = folder / DEFINITION
    words = [
        f"Wrote {3 * people * frames} rendered frames of {3 * people} people.",
        f"Next:    {shlex.join(['xgaze', 'check', str(definition)])}",
    ]
    emit({"folder": str(folder), "definition": str(definition)}, words, as_json)
