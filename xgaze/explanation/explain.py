"""Explain chosen samples with teacher and student side by side, and write what was found into the run's folder."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.artifacts import TEACHER, atomic_path, hashes_of, write_csv, write_json
from xgaze.data.contract import Recording, Sample, collate
from xgaze.explanation.attribution.attribution import Attribution, integrated_gradients
from xgaze.explanation.attribution.completeness import with_enough_steps
from xgaze.explanation.attribution.graphs import stored_graph
from xgaze.explanation.attribution.parts import baseline_of, baseline_words, is_picture, moved_names, parts_of
from xgaze.explanation.attribution.readout import in_words, output_of, predicted_class, truth_in_words
from xgaze.explanation.attribution.sequences import stored_scanpath
from xgaze.explanation.attribution.targets import Target, targets_for
from xgaze.explanation.human.references import PEOPLE_FILE
from xgaze.explanation.test_set.regions import mean_shares, region_shares
from xgaze.progress import progress_bar
from xgaze.recipe import Explain
from xgaze.writing import together

Maps = dict[str, NDArray[Any]]


def explain_samples(
    recording: Recording,
    models: dict[str, nn.Module],
    rows: Sequence[int],
    baseline: tuple[torch.Tensor, ...],
    settings: Explain,
) -> tuple[dict[str, Any], list[dict[str, Any]], Maps]:
    """Attribution section, region rows and maps of the report, for `models` (teacher, and student where there is one).

    A sample has the targets its figures are named by; "targets" are those of all samples, since a class is asked of the
    samples it is predicted for.
    """
    samples, regions, maps, named, taken = [], [], Maps(), dict[str, str](), set[int]()
    with progress_bar("attributing") as advance:
        for k, row in enumerate(rows):
            sample = recording[row]
            targets = targets_for(recording.spec, predicted_class(recording, models[TEACHER], sample))
            named |= {one.name: one.unit for one in targets}
            found, steps = _attribute_all(recording, models, targets, sample, baseline, settings)
            taken |= steps
            samples.append(_describe(recording, models, sample, found))
            regions += _regions(recording, sample, found)
            maps |= _maps(recording, k, sample, found)
            advance(k + 1, len(rows))
    section = {
        "method": "integrated gradients",
        "steps": max(taken),
        "fewest_steps": min(taken),
        "baseline": baseline_words(recording.spec),
        "targets": list(named),
        "target_unit": next(iter(named.values())),
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
) -> tuple[Found, set[int]]:
    """What was found, and the numbers of steps that it took."""
    batch = collate([sample], recording.spec)
    parts = parts_of(recording.spec, batch.inputs, sample.missing)
    there = baseline_of(parts, batch.inputs, baseline)
    found: Found = {}
    taken = set()
    for name, model in models.items():
        found[name] = {}
        for target in targets:
            ask = partial(integrated_gradients, model, target, batch.inputs, batch.target, there, parts=parts)
            found[name][target.name], steps = with_enough_steps(ask, settings.steps, settings.internal_batch_size)
            taken.add(steps)
    return found, taken


def _describe(recording: Recording, models: dict[str, nn.Module], sample: Sample, found: Found) -> dict[str, Any]:
    names = moved_names(recording.spec)

    def per_model(read: Any) -> dict[str, Any]:
        return {model: {target: read(one) for target, one in by.items()} for model, by in found.items()}

    predictions = {
        f"{name}_prediction": in_words(recording, output_of(recording, model, sample)) for name, model in models.items()
    }
    return {
        "id": sample.id,
        "group": sample.groups["group"],
        "truth": truth_in_words(recording, sample),
        **({"missing": sorted(sample.missing)} if sample.missing else {}),
        **predictions,
        "completeness_percent": per_model(lambda one: one.completeness_percent),
        "share_percent": per_model(lambda one: dict(zip(names, one.share_percent(), strict=True))),
        "explained": per_model(lambda one: one.explained),
        **stored_scanpath(recording.spec, sample, found),
        **stored_graph(recording.spec, sample, found),
    }


def _regions(recording: Recording, sample: Sample, found: Found) -> list[dict[str, Any]]:
    """All regions, so that means over samples add up to 100 %: what is not in view has no share."""
    names = recording.regions
    if not names or "regions" not in sample.aux:
        return []
    rows = []
    for model, by in found.items():
        for target, one in by.items():
            shares = region_shares(one.maps, sample.aux["regions"], names)
            for region in names:
                share, area = shares.get(region, (0.0, 0.0))
                row = {"model": model, "target": target, "region": region}
                rows.append({**row, "share_percent": share, "area_percent": area})
    return rows


def _maps(recording: Recording, k: int, sample: Sample, found: Found) -> Maps:
    names = moved_names(recording.spec)
    pictures = [one for one in recording.spec.inputs if is_picture(one)]
    images: Maps = {f"{k}/image/{one.name}": sample.stored(one) for one in pictures}
    for model, by in found.items():
        for target, one in by.items():
            images |= {f"{k}/{model}/{target}/{name}": m for name, m in zip(names, one.maps, strict=True)}
    return images


def stored_attribution(
    sample: Mapping[str, Any], maps: Maps, place: int, model: str, target: str, names: Sequence[str]
) -> Attribution:
    """What `explain_samples` found for the sample at `place`, of the inputs called `names`."""
    return Attribution(
        tuple(maps[f"{place}/{model}/{target}/{name}"] for name in names),
        sample["explained"][model][target],
        sample["completeness_percent"][model][target],
    )


def write_explanation(folder: Path, stored: dict[str, Any], maps: Maps, pictures: pd.DataFrame | None = None) -> None:
    """explanation.json, maps.npz, and the figures of single pictures where there are any, all or none: an older explanation stays
    until then."""
    with together(folder, "explanation.json") as made:
        with atomic_path(made / "maps.npz") as temporary:
            np.savez_compressed(temporary, **maps)  # type: ignore[arg-type]
        if pictures is not None:
            write_csv(made / PEOPLE_FILE, pictures)
            stored = stored | hashes_of(made, [PEOPLE_FILE])
        write_json(made / "explanation.json", stored)
