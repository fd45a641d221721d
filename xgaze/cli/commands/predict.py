"""`xgaze predict`"""

from pathlib import Path

import click

from xgaze.artifacts import write_csv
from xgaze.cli.common import emit


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("recording", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="CSV to write.")
@click.option(
    "--trust-import", is_flag=True, help="Let a model that is a class of a module import it, which runs its code."
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A person's map, as xgaze calibrate --person writes it: INPUT is of this person alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def predict(model: Path, recording: Path, out: Path, trust_import: bool, calibrate: Path | None, as_json: bool) -> None:
    """Predict with MODEL (a folder such as checkpoints/multi-eye/student) on every frame of INPUT.

    INPUT is a data definition (YAML), or a folder in the format the model was trained on; labels are optional.

    \b
    Example:
      xgaze predict checkpoints/multi-eye/student my_recording.yaml --out predictions.csv
    """
    from xgaze.api.predicting import predictions

    made = predictions(model, recording, calibrate, trust_import)
    write_csv(out, made.table)
    left_out = list(made.notes)
    figures = {"out": str(out), "samples": len(made.table)} | ({"notes": left_out} if left_out else {})
    emit(figures, [*left_out, f"Predicted {len(made.table):,} samples: {out}"], as_json)
