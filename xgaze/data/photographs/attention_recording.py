"""Opens photographs with attention maps, in any of their layouts."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.photographs.layouts import UNDIVIDED, PhotographRows, missing_files, read_rows
from xgaze.data.photographs.photograph_recording import Files, PhotographRecording, photograph_spec
from xgaze.data.photographs.photograph_sections import AttentionPicturesData
from xgaze.data.splits import assign_splits, validation_of
from xgaze.errors import InputError
from xgaze.recorded_targets import LABEL_COLUMN


def open_attention_pictures(data: AttentionPicturesData) -> PhotographRecording:
    """Open and draw splits. Raises InputError with every fault that shows undecoded."""
    found, splits, faults = scanned(data)
    raise_faults(data.path, faults)
    rows = found.rows
    table = pd.DataFrame({"id": rows["id"], "group": rows["group"], "session": "0", "split": splits})
    codes = {name: code for code, name in enumerate(found.classes)}
    table[LABEL_COLUMN] = rows["class_name"].map(codes).astype(np.int64)
    return PhotographRecording(
        photograph_spec(data, found.classes, found.groups),
        table,
        Files(tuple(rows["picture"])),
        Files(tuple(rows["map"])),
        data,
        data.kept_above,
    )


def scanned(data: AttentionPicturesData) -> tuple[PhotographRows, NDArray[np.str_], list[Fault]]:
    """The rows of a layout, the split of each, and all faults that show without decoding a picture."""
    try:
        found = read_rows(data)
    except InputError as error:
        return PhotographRows(pd.DataFrame(), (), ""), np.array([]), [Fault("label table", str(error))]
    if found.faults:
        return found, np.array([]), list(found.faults)
    if not len(found.rows) or len(found.classes) < 2:
        told = f"{data.path}: {len(found.rows)} photographs of {len(found.classes)} classes; two classes are needed."
        return found, np.array([]), [Fault("class missing from a split", told)]
    try:
        splits = splits_of(found.rows, data)
    except InputError as error:
        return found, np.array([]), [Fault("empty split", str(error))]
    return found, splits, missing_files(found.rows.assign(split=splits), data)


def splits_of(rows: pd.DataFrame, data: AttentionPicturesData) -> NDArray[np.str_]:
    """Told splits are kept, validation being drawn from training where none is told; else all are drawn, by group."""
    told = rows["split"].to_numpy(str)
    groups, classes = list(rows["group"]), list(rows["class_name"])
    if (told == UNDIVIDED).all():
        return assign_splits(groups, classes, data.split.validation, data.split.test, data.seed, "group(s)")
    if (told == UNDIVIDED).any():
        raise InputError(
            f"{(told == UNDIVIDED).sum()} of {len(told)} photographs are in no split: fill in all or none."
        )
    if "validation" in told:
        return told
    train = told == "train"
    held = validation_of(rows["group"][train], rows["class_name"][train], data.split.validation, data.seed)
    return np.where(train & rows["group"].isin(held).to_numpy(), "validation", told)
