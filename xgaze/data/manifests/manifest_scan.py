"""What a manifest holds, column by column, and every fault that shows without decoding pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import LEFT_OUT, SPLITS
from xgaze.data.fault_kinds import Fault, listed
from xgaze.data.identities import zeros_told
from xgaze.data.manifests.manifest_section import ManifestData
from xgaze.data.missing_views import Missing, missing_told, nothing_left
from xgaze.data.pictures.picture_labels import UNKNOWN
from xgaze.data.splits import assign_splits
from xgaze.data.tables.cells import missing_numbers, read_numbers
from xgaze.data.tables.decimals import Sign, decimal_sign
from xgaze.data.tables.missing import as_text, is_missing
from xgaze.data.tables.reader import read_table, require_columns
from xgaze.data.tables.spellings import spelt
from xgaze.errors import InputError
from xgaze.recorded_targets import BY_TEACHER, DISTANCE_COLUMN, LABEL_COLUMN, VALUE_COLUMN, gaze_columns

SESSION, UNLABELLED = "0", -1
MOST_FRAMES = 10**12


@dataclass(frozen=True, eq=False)
class ManifestScan:
    """table: as a recording's. files: input -> the path of each row's picture or video. frames: input -> the number of each row's
    frame in its video. vectors: input -> float32 (rows, columns). missing: of inputs that may be, which rows lack it.
    conditions: column -> numbers (NaN where there is none), or words where no cell holds a number."""

    table: pd.DataFrame
    files: dict[str, list[str]]
    vectors: dict[str, NDArray[np.float32]]
    conditions: dict[str, NDArray[Any]]
    classes: tuple[str, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()
    frames: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    missing: Missing = field(default_factory=dict)


def scan_manifest(data: ManifestData, for_prediction: bool = False, classes: tuple[str, ...] = ()) -> ManifestScan:
    """Read a manifest. for_prediction: target, people and splits may be missing, and all rows are tested; classes: the model's.

    Raises InputError where the table itself cannot be read, or lacks columns.
    """
    cells, sign = _read(data, for_prediction)
    cells, faults = spelt(cells, [data.participant], data, data.path.name)
    missing, specs = _missing(cells, data), [one.spec(name) for name, one in data.inputs.items()]
    files, vacant = _files(cells, data, missing)
    vectors, empty = _vectors(cells, data, sign, missing)
    frames, uncounted = _frames(cells, data, sign, missing)
    target, names, unlabelled = _target(cells, data, sign, classes)
    beside, unknown = _beside(cells, data, sign)
    far, unmeasured = _distances(cells, data, sign)
    people = _column(cells, data.participant, UNKNOWN)
    sessions = _column(cells, data.session, SESSION)
    splits, doubts = (np.full(len(cells), "test"), []) if for_prediction else _splits(cells, data, people, target)
    faults += [*vacant, *empty, *uncounted, *nothing_left(specs, missing, people), *doubts]
    if not for_prediction:
        faults += [*unlabelled, *unknown, *unmeasured, *_nobody(cells, data)]
    notes = [*zeros_told(people, "participants"), *_not_read(data), *missing_told(missing, people)]
    ids = [f"{person}/{session}/{row}" for row, (person, session) in enumerate(zip(people, sessions, strict=True))]
    table = (
        pd.DataFrame({"id": ids, "group": people, "session": sessions, "split": splits})
        .astype(str)
        .join([target, *beside, *far])
    )
    conditions = {} if for_prediction else _conditions(cells[data.conditions], sign)
    return ManifestScan(table, files, vectors, conditions, names, tuple(faults), tuple(notes), frames, missing)


def _not_read(data: ManifestData) -> list[str]:
    """Labels that the definition names and that nobody looks at."""
    if data.truth != BY_TEACHER or not data.target.read:
        return []
    return [f"{data.path.name}: {', '.join(data.target.read)} not read (truth: teacher)."]


def _read(data: ManifestData, for_prediction: bool) -> tuple[pd.DataFrame, Sign]:
    """The columns that the definition names, and the decimal sign of their numbers."""
    name, inputs = data.path.name, [column for one in data.inputs.values() for column in one.read]
    needed = list(dict.fromkeys(inputs)) if for_prediction else data.columns
    cells = read_table(data.path, data, name=name, needed=needed)
    require_columns(cells, needed, name)
    if not len(cells):
        raise InputError(f"{name}: holds no row below its headings.")
    numeric = [column for one in data.inputs.values() for column in one.columns or ([one.frame] if one.frame else ())]
    numeric += [] if data.target.kind == "class" or data.truth == BY_TEACHER else data.target.read
    numeric += [column for one in data.targets_beside.values() for column in one.read]
    numeric += [data.viewing.column] if data.viewing and data.viewing.column else []
    return cells, decimal_sign({one: cells[one] for one in numeric if one in cells}, data.decimal, name)


def _column(cells: pd.DataFrame, name: str | None, otherwise: str) -> list[str]:
    if name is None or name not in cells:
        return [otherwise] * len(cells)
    return list(as_text(cells[name]).mask(is_missing(cells[name]), otherwise))


def _missing(cells: pd.DataFrame, data: ManifestData) -> dict[str, NDArray[np.bool_]]:
    """Of every input that may be missing, the rows that lack it: any of its cells names nothing."""
    return {
        name: np.any([is_missing(cells[column]) for column in one.read], axis=0)
        for name, one in data.inputs.items()
        if one.may_be_missing
    }


def _lacking(name: str, cells: pd.DataFrame, missing: Missing) -> NDArray[np.bool_]:
    return missing.get(name, np.zeros(len(cells), bool))


def _files(cells: pd.DataFrame, data: ManifestData, missing: Missing) -> tuple[dict[str, list[str]], list[Fault]]:
    """Of every input of pictures or videos its paths, and those that name no file; empty where a row may lack it and does."""
    files, faults = {}, []
    for name, one in data.inputs.items():
        if one.paths is None:
            continue
        lacking = _lacking(name, cells, missing)
        files[name] = own = list(as_text(cells[one.paths]).mask(lacking, ""))
        there: dict[Path, bool] = {}  # many rows are of one video
        for row, file in enumerate(own, start=1):
            if lacking[row - 1]:
                continue
            if not file:
                faults.append(Fault("missing view", f"row {row}: {name}: column '{one.paths}' is empty."))
            elif not _known_file(data.path.parent / file, there):
                faults.append(Fault("missing view", f"row {row}: {name}: no such file ({file})."))
    return files, faults


def _known_file(path: Path, there: dict[Path, bool]) -> bool:
    if path not in there:
        there[path] = _is_file(path)
    return there[path]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _vectors(
    cells: pd.DataFrame, data: ManifestData, sign: Sign, missing: Missing
) -> tuple[dict[str, NDArray[np.float32]], list[Fault]]:
    """The numbers of every vector, its mean where a row may lack it and does; and cells that hold none."""
    vectors, faults = {}, []
    for name, one in data.inputs.items():
        if one.columns is not None:
            found = read_numbers(cells[one.columns], sign)
            found[_lacking(name, cells, missing)] = np.asarray(one.mean)
            faults += [
                Fault("missing number", f"{name}: {told}") for told in missing_numbers(cells[one.columns], found)
            ]
            vectors[name] = found.astype(np.float32)
    return vectors, faults


def _frames(
    cells: pd.DataFrame, data: ManifestData, sign: Sign, missing: Missing
) -> tuple[dict[str, NDArray[np.int64]], list[Fault]]:
    """Of every video input the number of each row's frame, -1 where there is none."""
    frames, faults = {}, []
    for name, one in data.inputs.items():
        if one.frame is None:
            continue
        found = read_numbers(cells[[one.frame]], sign)[:, 0]
        lacking = _lacking(name, cells, missing)
        whole = np.isfinite(found) & (found >= 0) & (found < MOST_FRAMES) & (found == np.floor(found)) & ~lacking
        for row in np.flatnonzero(~whole & ~lacking).tolist():
            told = f"column '{one.frame}' is '{cells[one.frame].iat[row]}', not the number of a frame, from 0."
            faults.append(Fault("missing number", f"row {row + 1}: {name}: {told}"))
        frames[name] = np.where(whole, found, -1).astype(np.int64)
    return frames, faults


def _conditions(cells: pd.DataFrame, sign: Sign) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name in cells:
        words, numbers = as_text(cells[name]).mask(is_missing(cells[name]), ""), read_numbers(cells[[name]], sign)[:, 0]
        worded = (words != "").to_numpy() & ~np.isfinite(numbers)
        found[str(name)] = words.to_numpy(str) if worded.any() or not np.isfinite(numbers).any() else numbers
    return found


def _target(
    cells: pd.DataFrame, data: ManifestData, sign: Sign, classes: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...], list[Fault]]:
    """The target's columns of a recording's table, the classes in order, and rows whose target is not known."""
    asked = data.target
    if asked.kind == "class":
        return _classes(cells, asked.read[0] if asked.read else "", classes or tuple(asked.classes or ()))
    columns = [VALUE_COLUMN] if asked.kind == "value" else gaze_columns(asked.measured)
    if data.truth == BY_TEACHER or not asked.read or not set(asked.read) <= set(cells):
        return pd.DataFrame(np.nan, cells.index, columns), (), []
    found = read_numbers(cells[asked.read], sign)
    found[~np.isfinite(found).all(axis=1)] = np.nan
    faults = [
        Fault("missing label", told)
        for told in missing_numbers(cells[asked.read], read_numbers(cells[asked.read], sign))
    ]
    return pd.DataFrame(found, columns=columns), (), faults


def _beside(cells: pd.DataFrame, data: ManifestData, sign: Sign) -> tuple[list[pd.DataFrame], list[Fault]]:
    """The columns of each target beside the main one, NaN in rows that lack it, and these rows; all of them where columns are not
    there, as of frames to predict on."""
    tables, faults = [], []
    for name, one in data.targets_beside.items():
        there = set(one.read) <= set(cells)
        found = read_numbers(cells[one.read], sign) if there else np.full((len(cells), len(one.read)), np.nan)
        if there:
            faults += [Fault("missing label", f"{name}: {told}") for told in missing_numbers(cells[one.read], found)]
        found[~np.isfinite(found).all(axis=1)] = np.nan
        tables.append(pd.DataFrame(found, columns=one.spec(name).columns))
    return tables, faults


def _distances(cells: pd.DataFrame, data: ManifestData, sign: Sign) -> tuple[list[pd.DataFrame], list[Fault]]:
    """The column of distances from which a screen was looked at, mm, and rows that lack one; none where it is not there."""
    column = data.viewing.column if data.viewing else None
    if data.viewing is None or column is None or column not in cells:
        return [], []
    found = read_numbers(cells[[column]], sign)
    found[~(found > 0)] = np.nan
    faults = [Fault("missing number", f"viewing: {told}") for told in missing_numbers(cells[[column]], found)]
    return [pd.DataFrame({DISTANCE_COLUMN: found[:, 0] * data.viewing.unit_mm})], faults


def _classes(
    cells: pd.DataFrame, column: str, asked: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...], list[Fault]]:
    """Whole numbers in their order, words in the alphabet's, unless the order is `asked`."""
    words = [UNKNOWN] * len(cells) if column not in cells else list(as_text(cells[column]))
    unknown = is_missing(pd.Series(words, dtype=str)).to_numpy() if column in cells else np.ones(len(cells), bool)
    found = {word for word, missing in zip(words, unknown, strict=True) if not missing}
    names = asked or tuple(sorted(found, key=lambda word: (0, int(word), word) if word.isdecimal() else (1, 0, word)))
    place = {name: k for k, name in enumerate(names)}
    codes = [
        UNLABELLED if missing else place.get(word, UNLABELLED) for word, missing in zip(words, unknown, strict=True)
    ]
    share = f"{codes.count(UNLABELLED)} of {len(codes)} rows"
    faults = [
        Fault("missing label", f"row {row + 1}: {column} is {_shown(words[row], names, asked)}; {share}.")
        for row, code in enumerate(codes)
        if code == UNLABELLED
    ]
    if len(names) < 2:
        faults.append(Fault("class missing from a split", f"only one class ({', '.join(names)}) found; it takes two."))
    return pd.DataFrame({LABEL_COLUMN: np.array(codes, np.int64)}), names, faults


def _shown(word: str, names: tuple[str, ...], asked: tuple[str, ...]) -> str:
    return (
        f"'{word}', none of {listed(names)}"
        if asked and word
        else f"'{word}', which names nothing"
        if word
        else "empty"
    )


def _nobody(cells: pd.DataFrame, data: ManifestData) -> list[Fault]:
    rows = np.flatnonzero(is_missing(cells[data.participant]))
    share = f"{len(rows)} of {len(cells)} rows"
    return [Fault("no participants", f"row {row + 1}: {data.participant} names nobody; {share}.") for row in rows]


def _splits(
    cells: pd.DataFrame, data: ManifestData, people: list[str], target: pd.DataFrame
) -> tuple[NDArray[np.str_], list[Fault]]:
    """The split of each row as its column says, or drawn by participant; "" where it cannot be known."""
    if isinstance(data.split, str):
        return _told_splits(as_text(cells[data.split]), data)
    known = np.array(people) != UNKNOWN
    labels = list(target[LABEL_COLUMN][known]) if data.target.kind == "class" else None
    splits = np.full(len(cells), LEFT_OUT, dtype="<U10")
    shares = data.split
    try:
        own = list(np.array(people)[known])
        splits[known] = assign_splits(own, labels, shares.validation, shares.test, data.seed)
    except InputError as error:
        return splits, [Fault("empty split", str(error))]
    return splits, []


def _told_splits(words: "pd.Series[str]", data: ManifestData) -> tuple[NDArray[np.str_], list[Fault]]:
    named = {data.splits[split]: split for split in SPLITS if split in data.splits}
    faults = [
        Fault(
            "label table",
            f"row {np.flatnonzero(words == word)[0] + 1}: {data.split} is {repr(word) if word else 'empty'}, none of "
            f"{', '.join(named)}; {count} of {len(words)} rows. Say in `splits` which word means which.",
        )
        for word, count in words[~words.isin(list(named))].value_counts().items()
    ]
    return np.array([str(named.get(word, LEFT_OUT)) for word in words]), faults
