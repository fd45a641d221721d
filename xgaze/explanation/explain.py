"""Explain chosen samples with teacher and student side by side, and write what was found into the run's folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.artifacts import atomic_path, write_json
from xgaze.capacity.embeddings import captured, collect_embeddings
from xgaze.data.contract import Recording, Sample, collate, rows_of
from xgaze.errors import InputError
from xgaze.explanation.attribution import Attribution, integrated_gradients, mean_inputs
from xgaze.explanation.regions import mean_shares, region_shares
from xgaze.explanation.sweep import Sweep, sweep_embedding
from xgaze.explanation.targets import Target, targets_for
from xgaze.progress import progress_bar
from xgaze.recipe import Explain

REFERENCE_SAMPLES = 512
STRONGEST = 10
Maps = dict[str, NDArray[Any]]


def find_samples(recording: Recording, wanted: Sequence[str]) -> list[int]:
    """Rows of test samples named by index into the test set or by id. Raises InputError naming what is not there."""
    test = rows_of(recording, "test")
    ids = {str(recording.table["id"].iloc[row]): int(row) for row in test}
    rows = []
    for name in wanted:
        if name in ids:
            rows.append(ids[name])
        elif name.isdigit() and int(name) < len(test):
            rows.append(int(test[int(name)]))
        else:
            raise InputError(
                f"--sample {name}: no such test sample. Give an index from 0 to {len(test) - 1}, or an id such as "
                f"{next(iter(ids))}."
            )
    return list(dict.fromkeys(rows))


def reference_rows(recording: Recording, seed: int) -> NDArray[np.int64]:
    """Training samples that stand for the ordinary: baseline picture and range of the embedding."""
    train = rows_of(recording, "train")
    chosen = np.random.default_rng(seed).choice(train, min(len(train), REFERENCE_SAMPLES), replace=False)
    return np.sort(chosen)


def explain_samples(
    recording: Recording, models: dict[str, nn.Module], rows: Sequence[int], settings: Explain, seed: int
) -> tuple[dict[str, Any], list[dict[str, Any]], Maps]:
    """Attribution section, region rows and maps of the report, for `models` (teacher, and student where there is one)."""
    baseline = mean_inputs(recording, reference_rows(recording, seed))
    samples, regions, maps, targets = [], [], Maps(), list[Target]()
    with progress_bar("attributing") as advance:
        for k, row in enumerate(rows):
            sample = recording[row]
            targets = targets_for(recording.spec, _predicted_class(recording, models["teacher"], sample))
            found = _attribute_all(recording, models, targets, sample, baseline, settings)
            samples.append(_describe(recording, models, sample, found))
            regions += _regions(recording, sample, found)
            maps |= _maps(recording, k, sample, found)
            advance(k + 1, len(rows))
    section = {
        "method": "integrated gradients",
        "steps": settings.steps,
        "baseline": "mean training image",
        "targets": [one.name for one in targets],
        "target_unit": targets[0].unit,
        "samples": samples,
    }
    return section, mean_shares(regions), maps


Found = dict[str, dict[str, Attribution]]


def _attribute_all(
    recording: Recording,
    models: dict[str, nn.Module],
    targets: list[Target],
    sample: Sample,
    baseline: tuple[torch.Tensor, ...],
    settings: Explain,
) -> Found:
    batch = collate([sample], recording.spec)
    return {
        name: {
            target.name: integrated_gradients(
                model, target, batch.inputs, batch.target, baseline, settings.steps, settings.internal_batch_size
            )
            for target in targets
        }
        for name, model in models.items()
    }


def _describe(recording: Recording, models: dict[str, nn.Module], sample: Sample, found: Found) -> dict[str, Any]:
    names = [one.name for one in recording.spec.inputs]

    def per_model(read: Any) -> dict[str, Any]:
        return {model: {target: read(one) for target, one in by.items()} for model, by in found.items()}

    predictions = {
        f"{name}_prediction": _in_words(recording, _output(recording, model, sample)) for name, model in models.items()
    }
    truth = sample.target if recording.spec.kind == "gaze" else np.eye(len(recording.spec.classes))[int(sample.target)]
    return {
        "id": sample.id,
        "participant": sample.groups["participant"],
        "truth": _in_words(recording, truth),
        **predictions,
        "completeness_percent": per_model(lambda one: one.completeness_percent),
        "share_percent": per_model(lambda one: dict(zip(names, one.share_percent(), strict=True))),
        "explained": per_model(lambda one: one.explained),
    }


def _regions(recording: Recording, sample: Sample, found: Found) -> list[dict[str, Any]]:
    names = getattr(recording, "regions", None)
    if names is None or "regions" not in sample.aux:
        return []
    return [
        {"model": model, "target": target, "region": region, "share_percent": share, "area_percent": area}
        for model, by in found.items()
        for target, one in by.items()
        for region, (share, area) in region_shares(one.maps, sample.aux["regions"], names).items()
    ]


def _maps(recording: Recording, k: int, sample: Sample, found: Found) -> Maps:
    names = [one.name for one in recording.spec.inputs]
    images: Maps = {f"{k}/image/{name}": sample.inputs[name] for name in names}
    for model, by in found.items():
        for target, one in by.items():
            images |= {f"{k}/{model}/{target}/{name}": m for name, m in zip(names, one.maps, strict=True)}
    return images


@torch.no_grad()
def _output(recording: Recording, model: nn.Module, sample: Sample) -> NDArray[Any]:
    out: NDArray[Any] = model.eval()(*collate([sample], recording.spec).inputs)[0].numpy()
    return out


def _predicted_class(recording: Recording, model: nn.Module, sample: Sample) -> int | None:
    return None if recording.spec.kind == "gaze" else int(_output(recording, model, sample).argmax())


def _in_words(recording: Recording, output: NDArray[Any]) -> list[float] | str:
    """A gaze point as two numbers, a class as its name."""
    if recording.spec.kind == "gaze":
        return [float(value) for value in output]
    return recording.spec.classes[int(output.argmax())]


@torch.no_grad()
def explain_embedding(
    recording: Recording,
    teacher: nn.Module,
    layer: str,
    tail: nn.Module,
    row: int,
    settings: Explain,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """Sweep section of the report for one sample: the strongest variables of `layer`'s output and where they lead."""
    file = folder / "embeddings" / f"{layer}.output.reference.npy"
    with progress_bar("collecting embeddings") as advance:
        observed = collect_embeddings(teacher, layer, recording, reference_rows(recording, seed), file, advance=advance)
    sample = recording[row]
    with captured(teacher, layer, "output") as seen:
        output = _output(recording, teacher, sample)
    sweep = sweep_embedding(tail, seen[0][0].numpy(), observed, settings.sweep_points)
    gaze = recording.spec.kind == "gaze"
    return {
        "sample_id": sample.id,
        "layer": layer,
        "prediction": _in_words(recording, output),
        "truth": sample.target.tolist() if gaze else recording.spec.classes[int(sample.target)],
        "variables": [_variable(sweep, k, gaze) for k in sweep.strongest(STRONGEST)],
    }


def _variable(sweep: Sweep, k: int, gaze: bool) -> dict[str, Any]:
    values, outputs = sweep.values[k].tolist(), sweep.outputs[k]
    reach = float(sweep.reach()[k])
    if gaze:
        return {
            "variable": k,
            "reach_px": reach,
            "values": values,
            "x_px": outputs[:, 0].tolist(),
            "y_px": outputs[:, 1].tolist(),
        }
    return {"variable": k, "reach": reach, "values": values, "score": (outputs[:, -1] - outputs[:, 0]).tolist()}


def write_explanation(folder: Path, stored: dict[str, Any], maps: Maps) -> None:
    """explanation.json and maps.npz; the JSON comes last, so that an interrupted folder is unfinished."""
    with atomic_path(folder / "maps.npz") as temporary:
        np.savez_compressed(temporary, **maps)  # type: ignore[arg-type]
    write_json(folder / "explanation.json", stored)
