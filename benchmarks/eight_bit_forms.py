"""What each form of a student's 8-bit file takes and loses here. `python benchmarks/eight_bit_forms.py FOLDER`

FOLDER holds a model and the recipe it was made with. Prints a line per form: bytes, time over the float file's (both timed in
turn, on one thread), and how much worse than floats it is on validation people. The first is the form that xgaze begins with;
each other line changes one thing of it. Nothing is tuned, and nothing in FOLDER changes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxruntime
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType

from xgaze.api.runs import Run, opened
from xgaze.artifacts import read_card
from xgaze.cli.commands.export import recipe_of
from xgaze.compression.export.computed_in_floats import FORMS
from xgaze.compression.export.onnx import open_session, paired_ratio
from xgaze.compression.export.quantise import predict_onnx, quantise_onnx
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, participants_of, rows_of, spread_evenly, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.score import compare, worse_unit

ROUNDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=960, help="Validation frames by which forms are judged.")
    asked = parser.parse_args()
    recipe = recipe_of(asked.folder, read_card(asked.folder))
    recording = opened(Run(recipe, Path("checkpoints"), Path("reports")), adopting=True)
    print(f"onnxruntime {onnxruntime.__version__}; times with floats = 1, losses in {worse_unit(recording.spec)}")
    for line in measured(asked.folder / "model.onnx", recording, asked.frames):
        print(line, flush=True)


def forms() -> Iterator[tuple[str, dict[str, Any]]]:
    """Words, and what `quantise_onnx` is told."""
    yield "QDQ, one scale per filter, rearranged", {}
    yield "not rearranged", {"rearranged": False}
    yield "one scale per layer", {"changed": {"per_channel": False}}
    yield "QOperator", {"changed": {"quant_format": QuantFormat.QOperator}}
    yield "signed activations", {"changed": {"activation_type": QuantType.QInt8}}
    yield (
        "ranges by entropy, not by extremes",
        {"changed": {"calibrate_method": CalibrationMethod.Entropy}, "frames": 64},
    )
    yield "ranges of 99.999 %", {"changed": {"calibrate_method": CalibrationMethod.Percentile}, "frames": 64}
    for form in FORMS[1:]:
        yield form.words, {"form": form}


def measured(source: Path, recording: Recording, frames: int) -> Iterator[str]:
    rows = spread_evenly(rows_of(recording, "validation"), frames)
    floats, truth, people = (
        predict_onnx(source, recording, rows),
        targets_of(recording, rows),
        participants_of(recording, rows),
    )
    one = next(iter(ordered_batches(recording, rows[:1]))).inputs
    with TemporaryDirectory() as scratch:
        made = Path(scratch) / "made.onnx"
        for words, told in forms():
            try:
                quantise_onnx(source, recording, rows_of(recording, "train"), made, **told)
                ratio = paired_ratio(open_session(made), open_session(source), one, ROUNDS)
                lost = compare(recording.spec, predict_onnx(made, recording, rows), floats, truth, people)
            except (
                InputError,
                RuntimeError,
                onnxruntime.capi.onnxruntime_pybind11_state.OnnxRuntimeException,
            ) as fault:
                yield f"{words:75} refused: {str(fault).splitlines()[0][:90]}"
                continue
            yield f"{words:75} {made.stat().st_size / 1e3:5.1f} kB, time {ratio.mean:.2f}, worse {lost}"


if __name__ == "__main__":
    main()
