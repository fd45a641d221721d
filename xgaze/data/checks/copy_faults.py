"""The same picture twice, exactly or nearly: a model is tested on what it was trained on, or one person has two names."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from xgaze.data.checks.nearest_elsewhere import along_leading, closest_approach, nearest_elsewhere
from xgaze.data.checks.perceptual_hash import comparable, shows
from xgaze.data.checks.pixel_faults import Looked
from xgaze.data.contract import SPLITS
from xgaze.data.fault_kinds import Fault, Kind

NEAR = 0.12
"""Of the distance of two people's closest pictures, usually, and of hashes at most. In the rendered recording the closest
frames of any two people are at half of it, copies that were compressed, halved in size or darkened at 0.06 of it at most."""
PEOPLE = "participants"
Pair = tuple[int, int]
"""Numbers of two samples; the second is in the later split."""


def copy_faults(looked: Sequence[Looked], groups: str = PEOPLE) -> list[Fault]:
    """Samples of several splits that show the same or nearly; people of one split who share pictures. groups: what owners are."""
    return [*_identical(looked), *_nearly(looked, groups)]


def copies_told(looked: Sequence[Looked]) -> list[str]:
    """A remark where only some of the samples were hashed."""
    hashed, whole = sum(bool(one.hash) for one in looked), sum(bool(one.digest) for one in looked)
    if hashed == whole:
        return []
    return [f"Nearly identical pictures were looked for among {hashed:,} of {whole:,} samples, evenly spaced."]


def _identical(looked: Iterable[Looked]) -> list[Fault]:
    """One fault per picture that lies in several splits, naming the first copy in each. Equal pixels that show nothing, as of
    lost frames, are no copies."""
    copies: dict[str, list[Looked]] = {}
    for one in looked:
        if one.digest and one.split and not one.blank:
            copies.setdefault(one.digest, []).append(one)
    faults = []
    for same in copies.values():
        firsts = {one.split: one.name for one in reversed(same)}
        if len(firsts) > 1:
            where = " and ".join(f"{firsts[split]} ({split})" for split in SPLITS if split in firsts)
            count = f"; {len(same)} copies in all" if len(same) > len(firsts) else ""
            faults.append(Fault("identical images across splits", f"{where} have the same pixels{count}."))
    return faults


def _nearly(looked: Sequence[Looked], groups: str) -> list[Fault]:
    """Exact copies in several splits are told as such."""
    samples, hashes = _showing([one for one in looked if one.hash and one.split])
    owners, splits = np.array([one.owner for one in samples]), np.array([one.split for one in samples])

    def rows(which: NDArray[np.int64]) -> NDArray[np.float32]:
        return comparable(hashes[which])

    radius = NEAR * min(1.0, closest_approach(rows, owners))
    if not radius:
        return []
    everybody, shadows = np.arange(len(samples)), along_leading(rows, len(samples))
    across = _pairs(everybody, nearest_elsewhere(rows, shadows, everybody, splits, radius), samples)
    faults = _told([pair for pair in across if samples[pair[0]].digest != samples[pair[1]].digest], samples, owners)
    for split in SPLITS if groups == PEOPLE else ():
        own = np.flatnonzero(splits == split)
        faults += _told(
            _pairs(own, nearest_elsewhere(rows, shadows, own, owners[own], radius), samples), samples, owners
        )
    return faults


def _showing(samples: list[Looked]) -> tuple[list[Looked], NDArray[np.uint8]]:
    """Samples that show something, of as many pictures as the first has, with their hashes (n, bytes)."""
    alike = [one for one in samples if len(one.hash) == len(samples[0].hash)]
    if not alike:
        return [], np.zeros((0, 0), np.uint8)
    hashes = np.frombuffer(b"".join(one.hash for one in alike), np.uint8).reshape(len(alike), -1)
    shown = np.array([shows(one.hash) for one in alike])
    return [one for one, shows in zip(alike, shown, strict=True) if shows], hashes[shown]


def _pairs(rows: NDArray[np.int64], nearest: NDArray[np.int64], samples: Sequence[Looked]) -> list[Pair]:
    """Those that have a near one, once each, of different owners."""
    order = {split: k for k, split in enumerate(SPLITS)}
    both = {
        tuple(sorted((int(row), int(other)), key=lambda k: (order[samples[k].split], k)))
        for row, other in zip(rows, nearest, strict=True)
        if other >= 0 and samples[row].owner != samples[other].owner
    }
    return sorted(both)  # type: ignore[arg-type]


def _told(pairs: Sequence[Pair], samples: Sequence[Looked], owners: NDArray[np.str_]) -> list[Fault]:
    """A fault for every two owners, with the number of the second's samples."""
    found: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        found.setdefault((samples[pair[0]].owner, samples[pair[1]].owner), []).append(pair)
    samples_of = Counter(owners.tolist())
    faults = []
    for (one, other), own in found.items():
        early, late = (samples[k] for k in own[0])
        many, whole = len({pair[1] for pair in own}), samples_of[other]
        more = f"; {many} of the {whole} samples of {other} nearly show what those of {one} do" if whole > 1 else ""
        across = early.split != late.split
        kind: Kind = "nearly identical images across splits" if across else "one person under two names"
        where = f"{early.name} ({early.split}) and {late.name} ({late.split})"
        faults.append(Fault(kind, f"{where} are nearly the same{more}."))
    return faults
