"""One trial: a model made by one method, tuned one way, and what it says of validation participants. Kept as a folder, so that a
killed search goes on where it was and trials can be done by other processes."""

import copy
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from xgaze.artifacts import atomic_path, file_hash, write_json, write_weights
from xgaze.compression.export.onnx import NoOnnx, export_checked, latency_to_json, measure_latency_ms, open_session
from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.trial_methods import METHODS, SCRATCH, cut_of
from xgaze.compression.search.wirings import begins_anew
from xgaze.compression.student import load_weights, surgery_from_json
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.inference import head_outputs, predict
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters, count_macs, count_parameters
from xgaze.stored import Stored, read_array, read_mapping
from xgaze.training.lightning.divergence import Diverged

Tuning = Literal["none", "head", "whole"]
Teaching = Literal["recipe", "labels"]
EXPORT_SAMPLES = 4
FIGURES, OUTPUTS, WEIGHTS, ONNX = "trial.json", "outputs.npy", "model.safetensors", "model.onnx"
LATENCY, DIVERGED = "latency.json", "diverged.json"

AGAIN = "Delete the folder of this trial, and it is done again; or distil again with --force."


@dataclass(frozen=True)
class Trial:
    """What is tried. tuning: none, the head on cached embeddings, or the whole model. teaching: as the recipe says (teacher's
    outputs, unlabelled recordings, hints), or labels alone. parameters: the size asked of another tool. epochs:
    of tuning end to end, where they are not the recipe's. after: the wider student of which, tuned, it is cut."""

    plan: Plan
    tuning: Tuning = "head"
    method: str = "xgaze"
    teaching: Teaching = "recipe"
    seed: int = 0
    parameters: int | None = None
    epochs: int | None = None
    after: "Trial | None" = None

    @property
    def steps(self) -> tuple[float, ...]:
        """The shares of channels that were tuned before its own."""
        return () if self.after is None else (*self.after.steps, self.after.plan.share)

    @property
    def in_words(self) -> str:
        """The plan's words, and by way of what it was cut."""
        by_way = [f"by way of {' and '.join(f'{100 * share:g} %' for share in self.steps)}"] if self.steps else []
        return ", ".join([self.plan.in_words, *by_way])

    def epochs_in_all(self, own: int) -> int:
        """Of this and what it is cut of. own: those of the recipe."""
        return (self.epochs or own) + (0 if self.after is None else self.after.epochs_in_all(own))

    def again(self, **how: Any) -> "Trial":
        """The same otherwise, what it is cut of too."""
        after = None if self.after is None else self.after.again(**how)
        return replace(self, after=after, **how)

    @property
    def name(self) -> str:
        """Unique within a search."""
        size = f"_to-{self.parameters}" if self.parameters else ""
        length = f"_epochs-{self.epochs}" if self.epochs else ""
        after = "".join(f"_after-{share:g}" for share in self.steps)
        made = f"{self.method.replace(' ', '-')}{size}_{self.plan.name}{after}"
        return f"{made}_{self.tuning}{length}_{self.teaching}_seed-{self.seed}"

    @property
    def keeps_towers(self) -> bool:
        """Whether the towers are still the teacher's, so that cached embeddings serve."""
        return self.plan.keeps_towers and self.tuning != "whole" and self.parameters is None and self.method != SCRATCH


@dataclass(frozen=True)
class Result:
    """A finished trial. outputs: (validation samples, outputs). surgeries: with proofs; empty where the method has none.
    folder: where its weights lie."""

    trial: Trial
    parameters: int
    fc_parameters: int
    macs: int
    bytes: int
    seconds: float
    surgeries: list[dict[str, Any]]
    outputs: NDArray[np.float32]
    folder: Path


@dataclass(frozen=True)
class DivergedTrial:
    """A trial that came to nothing: its training diverged. reason: where, and what to do."""

    trial: Trial
    reason: str


Ended = Result | DivergedTrial


def run_trial(bench: Bench, trial: Trial) -> Ended:
    """Do the trial, or find it done: one that diverged is not tuned again. Deterministic for a given bench and trial."""
    found = ended_trial(bench, trial)
    if found is not None:
        return found
    earlier = None if trial.after is None else run_trial(bench, trial.after)
    if isinstance(earlier, DivergedTrial):
        return DivergedTrial(trial, earlier.reason)
    folder, start = trial_folder(bench, trial), time.perf_counter()
    model, surgeries = _made(bench, trial, earlier)
    try:
        tune(bench, trial, model, folder / "tuning")
    except Diverged as fault:
        write_json(folder / DIVERGED, {"reason": str(fault)})
        return DivergedTrial(trial, str(fault))
    _write(bench, trial, model, surgeries, time.perf_counter() - start, folder)
    return read_result(folder, trial)


def _made(bench: Bench, trial: Trial, earlier: Result | None) -> tuple[FeatureHead, list[dict[str, Any]]]:
    """The model before it is tuned, and its surgeries; cut of the earlier one, where there is one."""
    if earlier is None:
        model, steps = METHODS[trial.method](bench, trial.plan, trial.seed, trial.parameters)
    else:
        model = _model_of(bench, earlier)
        steps = cut_of(bench, model, trial.plan)
    return model, [*(earlier.surgeries if earlier else []), *(step.to_json() for step in steps)]


def ended_trial(bench: Bench, trial: Trial) -> Ended | None:
    """What lies there whole. A damaged one is done again, from what is left of its tuning."""
    folder = trial_folder(bench, trial)
    with suppress(InputError):
        return read_result(folder, trial)
    with suppress(InputError):
        return DivergedTrial(trial, read_mapping(folder / DIVERGED, _Divergence, AGAIN)["reason"])
    return None


def trial_folder(bench: Bench, trial: Trial) -> Path:
    return bench.folder / "trials" / trial.name


def tune(bench: Bench, trial: Trial, model: FeatureHead, folder: Path) -> None:
    """Tune in place as the trial says."""
    if trial.tuning == "head":
        bench.tune_head(model, folder, trial.seed, by_teacher=trial.teaching == "recipe")
    elif trial.tuning == "whole":
        by_teacher = trial.teaching == "recipe"
        anew = trial.method == SCRATCH or (begins_anew(trial.plan) and trial.after is None)
        bench.tune_whole(model, folder, trial.seed, trial.in_words, by_teacher, trial.epochs, anew)


def read_result(folder: Path, trial: Trial) -> Result:
    """A finished trial from its folder. Raises InputError unless all its files are what was written."""
    figures = read_mapping(folder / FIGURES, _Figures, AGAIN)
    for name, known in figures["hashes"].items():
        if file_hash(folder / name) != known:
            raise InputError(f"{folder / name}: damaged: not what the trial wrote. {AGAIN}")
    for stored in figures["surgeries"]:
        surgery_from_json(stored)
    told = {key: figures[key] for key in _Figures.model_fields if key != "hashes"}
    return Result(trial, outputs=read_array(folder / OUTPUTS, AGAIN), folder=folder, **told)


class _Hashes(Stored):
    outputs: str = Field(alias=OUTPUTS)
    weights: str = Field(alias=WEIGHTS)


class _Figures(Stored):
    parameters: PositiveInt
    fc_parameters: PositiveInt
    macs: PositiveInt
    bytes: PositiveInt
    seconds: float
    surgeries: list[dict[str, Any]]
    hashes: _Hashes


class _Latency(Stored):
    median: float = Field(gt=0)


class _Divergence(Stored):
    reason: str


def _write(
    bench: Bench, trial: Trial, model: FeatureHead, surgeries: list[dict[str, Any]], seconds: float, folder: Path
) -> None:
    """Everything, the figures last: a folder without them is unfinished."""
    outputs = validation_outputs(bench, trial, model)
    with atomic_path(folder / OUTPUTS) as temporary:
        np.save(temporary, outputs)
    write_weights(folder / WEIGHTS, model.state_dict())
    if trial.tuning == "whole" or bench.recipe.distill.max_latency_ms is not None:
        _export(bench, model, folder / ONNX)
    written = [folder / name for name in (OUTPUTS, WEIGHTS, ONNX) if (folder / name).is_file()]
    figures = {
        "parameters": count_parameters(model),
        "fc_parameters": count_fc_parameters(model),
        "macs": count_macs(model, bench.recording.spec),
        "bytes": (folder / WEIGHTS).stat().st_size,
        "seconds": seconds,
        "surgeries": surgeries,
        "hashes": {file.name: file_hash(file) for file in written},
    }
    write_json(folder / FIGURES, figures)


def validation_outputs(bench: Bench, trial: Trial, model: FeatureHead) -> NDArray[np.float32]:
    """Outputs for validation people; from cached embeddings where the towers are still the teacher's."""
    if trial.keeps_towers:
        return head_outputs(model.head, bench.validation.values)
    return predict(model, bench.recording, rows_of(bench.recording, "validation"))


def _export(bench: Bench, model: FeatureHead, file: Path) -> None:
    """Write the model as ONNX where that can be done; else it has no time."""
    samples = tuple(x[:EXPORT_SAMPLES] for x in bench.probe(bench.teacher).inputs)
    with suppress(NoOnnx):
        export_checked(model, bench.recording.spec, file, samples)


def latency_ms(bench: Bench, result: Result) -> float | None:
    """Median of onnxruntime on one thread, None where nobody asks for it or there is no ONNX of the model. Measured once, by
    whoever asks first, so that trials running side by side do not slow each other's clock. A trial of an earlier search without a
    budget of time is exported now, and a damaged time is measured again."""
    onnx, kept = result.folder / ONNX, result.folder / LATENCY
    if not onnx.is_file():
        if bench.recipe.distill.max_latency_ms is None or not result.surgeries:
            return None
        _export(bench, _model_of(bench, result), onnx)
    if not onnx.is_file():
        return None
    with suppress(InputError):
        return float(read_mapping(kept, _Latency, AGAIN)["median"])
    rows = rows_of(bench.recording, "validation")[:1]
    inputs = next(iter(ordered_batches(bench.recording, rows))).inputs
    measured = measure_latency_ms(_session(bench, result), inputs)
    write_json(kept, latency_to_json(measured))
    return measured.median


def _session(bench: Bench, result: Result) -> Any:
    """Of the trial's ONNX; one exported later than the trial, which is no longer whole, is exported once more."""
    onnx = result.folder / ONNX
    try:
        return open_session(onnx)
    except Exception:  # what onnxruntime raises at a damaged file is of a dozen types
        _export(bench, _model_of(bench, result), onnx)
        return open_session(onnx)


def _model_of(bench: Bench, result: Result) -> FeatureHead:
    """A trial's model again, for which its surgeries must be known."""
    model = copy.deepcopy(bench.teacher)
    for stored in result.surgeries:
        surgery_from_json(stored).reshape(model)
    load_weights(model, result.folder / WEIGHTS)
    return model
