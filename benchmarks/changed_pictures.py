"""What `xgaze check` makes of the rendered recording: `python benchmarks/changed_pictures.py`.

Copies: pairs of frames told to be nearly the same in the recording as it is; then one frame of each test person is replaced
by a changed copy of a training frame, and those found are counted. Changes: for each input, how far the test people are from
the training, as they are and with each change undone: the least factor by which undoing what was not done makes that worse.
"""

import argparse
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.checks.copy_faults import copy_faults
from xgaze.data.checks.perceptual_hash import hash_of
from xgaze.data.checks.pixel_faults import Looked
from xgaze.data.contract import Recording, rows_of, spread_evenly
from xgaze.data.open import open_recording
from xgaze.data.sources.rendered import RenderedData
from xgaze.evaluation.intervals.participants import participant_means
from xgaze.training.seen.changed_pictures import CHANGES, numbers_of
from xgaze.training.seen.seen_pictures import SAMPLES, given_inputs, squares
from xgaze.training.seen.spread import spread_of

Grey = NDArray[np.uint8]


def _as_jpeg(pixels: Grey, quality: int, share: float = 1.0) -> Grey:
    height, width = pixels.shape
    file = io.BytesIO()
    small = Image.fromarray(pixels).resize((int(width * share), int(height * share)), Image.Resampling.BILINEAR)
    small.save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).resize((width, height), Image.Resampling.BILINEAR))


COPIES: dict[str, Callable[[Grey], Grey]] = {
    "JPEG, quality 75": lambda pixels: _as_jpeg(pixels, 75),
    "JPEG, quality 50": lambda pixels: _as_jpeg(pixels, 50),
    "half as large": lambda pixels: _as_jpeg(pixels, 95, 0.5),
    "30 % darker": lambda pixels: (pixels * 0.7).astype(np.uint8),
    "30 % brighter": lambda pixels: (pixels * 1.3).clip(0, 255).astype(np.uint8),
    "noise of 5": lambda pixels: (
        (pixels + np.random.default_rng(0).normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8)
    ),
    "shifted by 1 px": lambda pixels: np.roll(pixels, 1, axis=1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs=3, default=(600, 60, 160), help="train, validation, test")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    people = dict(
        zip(("train_participants", "validation_participants", "test_participants"), asked.people, strict=True)
    )
    data = RenderedData(source="rendered", height=asked.height, width=asked.height * 5 // 4, **people)
    recording = open_recording(data)
    figures = {**copies(recording), "changes": changes(recording)}
    if asked.json:
        print(json.dumps(figures))
        return
    print(
        f"{figures['frames']:,} frames: {figures['alarms']} pairs of people told, {figures['seconds']:.1f} s beside the decoding"
    )
    for name, found in figures["copies"].items():
        print(f"{name:>16}: {found:.0%} of copies found")
    print("least factor by which a change that was not done is further from the training, and the change")
    for name, (factor, change) in figures["changes"].items():
        print(f"{name:>16}: {factor:.2f} ({change})")


def copies(recording: Recording) -> dict[str, Any]:
    """Alarms of the recording as it is, seconds, and the share of planted copies that is found, by kind."""
    names = [one.name for one in recording.spec.inputs]
    frames = [[recording[row].inputs[name][0] for name in names] for row in range(len(recording.table))]
    columns = (recording.table[name].astype(str) for name in ("id", "split", "group"))
    looked = [
        Looked(name, split, name, (), owner=owner, hash=hash_of(own))
        for name, split, owner, own in zip(*columns, frames, strict=True)
    ]
    start = time.perf_counter()
    alarms = len(copy_faults(looked))
    seconds = time.perf_counter() - start
    found = {kind: _planted(recording, looked, frames, change) for kind, change in COPIES.items()}
    return {"frames": len(looked), "alarms": alarms, "seconds": seconds, "copies": found}


def _planted(
    recording: Recording, looked: Sequence[Looked], frames: Sequence[Sequence[Grey]], change: Callable[[Grey], Grey]
) -> float:
    train, test = rows_of(recording, "train"), rows_of(recording, "test")
    _, firsts = np.unique(recording.table["group"].iloc[test].to_numpy(), return_index=True)
    own = list(looked)
    for source, row in zip(np.random.default_rng(0).choice(train, len(firsts)), test[firsts], strict=True):
        own[row] = replace(own[row], hash=hash_of([change(one) for one in frames[source]]))
    told = sum(fault.kind == "nearly identical images across splits" for fault in copy_faults(own))
    return told / len(firsts)


def changes(recording: Recording) -> dict[str, tuple[float, str]]:
    """By input: the change that comes nearest to what was not done, and how much further it is, of the median person."""
    train, test = (spread_evenly(rows_of(recording, split), SAMPLES) for split in ("train", "test"))
    seen, new, people = (
        given_inputs(recording, train),
        given_inputs(recording, test),
        recording.table["group"].iloc[test],
    )
    found = {}
    for name, pictures in new.items():
        spread, numbers = spread_of(squares(seen[name])), numbers_of(seen[name])
        as_is = np.median(participant_means(spread.distances(squares(pictures)), people))
        factors = {
            change: float(
                np.median(participant_means(spread.distances(squares(one.undo(pictures, numbers))), people)) / as_is
            )
            for change, one in CHANGES.items()
            if one.fits(pictures, numbers)
        }
        nearest = min(factors, key=lambda change: factors[change])
        found[name] = (factors[nearest], nearest)
    return found


if __name__ == "__main__":
    main()
