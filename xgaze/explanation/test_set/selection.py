"""Which samples are explained: named ones, the worst and best, those where the models differ, and a spread over people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from xgaze.data.contract import Recording, participants_of, rows_of, targets_of
from xgaze.data.turns import in_turns
from xgaze.errors import InputError
from xgaze.evaluation.classes.classification import probabilities
from xgaze.evaluation.predictions import error_column, gaze_named
from xgaze.evaluation.score import sample_errors
from xgaze.explanation.askable import WORDS
from xgaze.models.inference import predict
from xgaze.progress import progress_bar
from xgaze.stored import read_table

REFERENCE_SAMPLES = 512
LONGEST_NAME = 60


@dataclass(frozen=True)
class Predicted:
    """A model on all test samples, in order. outputs (n, 2) gaze, (n, 1) values, or (n, classes) probabilities; errors (n,), see
    `sample_errors`."""

    outputs: NDArray[np.float64]
    errors: NDArray[np.float64]


def read_predicted(file: Path, recording: Recording) -> Predicted | None:
    """The test predictions stored in a model folder's table; None unless it holds exactly this recording's test samples."""
    if not file.is_file():
        return None
    try:
        table = read_table(file, [], "")
    except InputError:  # damaged: predicted again
        return None
    named = [*(f"probability_{name}" for name in recording.spec.classes), "error"]
    spec = recording.spec
    gaze = [*gaze_named("prediction", spec.unit), error_column(spec)]
    columns = {"gaze": gaze, "angle": gaze, "value": ["prediction", error_column(spec)]}.get(spec.kind, named)
    if not {"id", "split", *columns} <= set(table.columns):
        return None
    table = table[table["split"] == "test"]
    ids = recording.table["id"].iloc[rows_of(recording, "test")].astype(str)
    if list(table["id"]) != list(ids):
        return None
    if not all(pd.api.types.is_numeric_dtype(table[name]) for name in columns):
        return None
    figures = table[columns].to_numpy(np.float64)
    return Predicted(figures[:, :-1], figures[:, -1])


def predict_test(model: nn.Module, recording: Recording) -> Predicted:
    """The same from the model itself."""
    rows = rows_of(recording, "test")
    with progress_bar("predicting the test samples") as advance:
        outputs = predict(model, recording, rows, advance=advance)
    errors = sample_errors(recording.spec, outputs, targets_of(recording, rows))
    classes = recording.spec.kind == "class"
    shown = probabilities(outputs) if classes else recording.spec.own(outputs)
    return Predicted(shown.astype(np.float64), errors)


def choose_samples(
    recording: Recording, wanted: Sequence[str], predicted: Mapping[str, Predicted] | None = None
) -> list[int]:
    """Rows of test samples, each once, named by id, by index into the test set, or by a word.

    worst, best: by the error of the last of `predicted` (teacher first, then the student where there is one). disagree:
    where teacher and student differ most. Raises InputError naming what is not there.
    """
    test = rows_of(recording, "test")
    ids = {str(recording.table["id"].iloc[row]): int(row) for row in test}
    rows = [
        int(test[_of_word(name, list((predicted or {}).values()))] if name in WORDS else _named(name, test, ids))
        for name in wanted
    ]
    return list(dict.fromkeys(rows))


def spread_rows(recording: Recording, count: int | None, seed: int) -> list[int]:
    """`count` test samples (all for None) spread over participants: one of everyone before a second of anyone.

    More samples begin with the fewer ones of the same seed. Raises InputError if there are not so many.
    """
    test = rows_of(recording, "test")
    if count is not None and count > len(test):
        raise InputError(
            f"{count} samples were asked for, and the test set holds {len(test)}. Ask for at most {len(test)}."
        )
    return [int(row) for row in in_turns(recording, "test", seed)[:count]]


def one_of_each(recording: Recording, people: int, seed: int) -> list[int]:
    """One test sample of each of at most `people` participants."""
    known = len(set(participants_of(recording, rows_of(recording, "test"))))
    return spread_rows(recording, min(people, known), seed)


def reference_rows(recording: Recording, seed: int) -> NDArray[np.int64]:
    """Training samples that stand for the ordinary: baseline picture and range of the embedding."""
    train = rows_of(recording, "train")
    chosen = np.random.default_rng(seed).choice(train, min(len(train), REFERENCE_SAMPLES), replace=False)
    return np.sort(chosen)


def _of_word(word: str, predicted: Sequence[Predicted]) -> int:
    """Index into the test set."""
    if word == "disagree":
        if len(predicted) < 2:
            raise InputError("--sample disagree: there is no student to disagree. Run `xgaze distill` first.")
        return int(np.linalg.norm(predicted[0].outputs - predicted[-1].outputs, axis=1).argmax())
    errors = predicted[-1].errors
    return int(errors.argmax() if word == "worst" else errors.argmin())


def _named(name: str, test: NDArray[np.int64], ids: Mapping[str, int]) -> Any:
    if name in ids:
        return ids[name]
    # Unicode knows digits that int() refuses, and int() refuses thousands of them.
    if name.isascii() and name.isdecimal() and len(name) < 10 and int(name) < len(test):
        return test[int(name)]
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."
    raise InputError(
        f"--sample {shown}: no such test sample. Give an index from 0 to {len(test) - 1}, an id such as {next(iter(ids))}, "
        f"or one of {', '.join(WORDS)}."
    )
