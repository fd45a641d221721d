"""`xgaze predict`"""

from pathlib import Path

import click
import numpy as np

from xgaze.artifacts import write_csv
from xgaze.cli.common import emit
from xgaze.compression.student import load_model, trained_on
from xgaze.data.contract import Spec
from xgaze.data.open import open_for_prediction
from xgaze.evaluation.predictions import prediction_table
from xgaze.models.inference import predict as run_model
from xgaze.progress import progress_bar


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("recording", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="CSV to write.")
@click.option(
    "--trust-import", is_flag=True, help="Let a model that is a class of a module import it, which runs its code."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def predict(model: Path, recording: Path, out: Path, trust_import: bool, as_json: bool) -> None:
    """Predict with MODEL (a folder such as checkpoints/multi-eye/student) on every frame of INPUT.

    INPUT is a data definition (YAML), or a folder in the format the model was trained on; labels are optional.

    \b
    Example:
      xgaze predict checkpoints/multi-eye/student my_recording.yaml --out predictions.csv
    """
    network, card = load_model(model, trust_import=trust_import)
    source = open_for_prediction(recording, Spec.from_json(card.spec), trained_on(model, card))
    rows = np.arange(len(source.table))
    with progress_bar("predicting") as advance:
        outputs = run_model(network, source, rows, advance=advance, name=str(model))
    table = prediction_table(source, rows, outputs)
    write_csv(out, table)
    left_out = list(source.notes)
    figures = {"out": str(out), "samples": len(table)} | ({"notes": left_out} if left_out else {})
    emit(figures, [*left_out, f"Predicted {len(table):,} samples: {out}"], as_json)
