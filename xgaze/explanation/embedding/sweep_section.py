"""Where the variables of one sample's embedding lead: the sweep section of the report."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from xgaze.capacity.embeddings import captured, collect_embeddings
from xgaze.data.contract import Recording
from xgaze.explanation.attribution.readout import in_words, output_of, output_unit, truth_in_words
from xgaze.explanation.embedding.sweep import STRONGEST, Sweep, drawn, margins, path_of, reach_key, sweep_embedding
from xgaze.explanation.test_set.selection import reference_rows
from xgaze.progress import progress_bar
from xgaze.recipe import Explain


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
        output = output_of(recording, teacher, sample)
    gaze, read = drawn(recording.spec)
    sweep = sweep_embedding(tail, seen[0][0].numpy(), observed, settings.sweep_points, read)
    return {
        "sample_id": sample.id,
        "layer": layer,
        "prediction": in_words(recording, output),
        "truth": truth_in_words(recording, sample),
        "unit": output_unit(recording.spec),
        "variables": [_variable(sweep, k, gaze, int(output.argmax())) for k in sweep.strongest(STRONGEST)],
    }


def _variable(sweep: Sweep, k: int, gaze: str, chosen: int) -> dict[str, Any]:
    """gaze: the unit of gaze points, "" of other outputs."""
    key, reach = reach_key(gaze), float(sweep.reach()[k])
    return {
        "variable": k,
        key: reach,
        "values": sweep.values[k].tolist(),
        **path_of(margins(sweep.outputs[k], chosen), gaze),
    }
