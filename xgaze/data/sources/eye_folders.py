"""Eye-camera frames in session folders, described by a definition. Scanning finds every fault that shows without
decoding a picture; opening is scanning that raises them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from xgaze.data.check_faults import Fault, raise_faults
from xgaze.data.contract import GAZE_COLUMNS, SPLITS, InputSpec, Sample, Spec
from xgaze.data.sources.eye_labels import read_labels
from xgaze.data.sources.folders import files_in, fill, matching_folders, placeholders
from xgaze.data.sources.pictures import read_grey, resize_grey
from xgaze.data.splits import shared_participants
from xgaze.recipe import EyeFoldersData

COLUMNS = ["id", "participant", "session", "split", *GAZE_COLUMNS]
NOWHERE = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Scan:
    """What was found: one table row and one {view: file} per complete, labelled frame, and all faults."""

    table: pd.DataFrame
    files: list[dict[str, Path]]
    faults: list[Fault]


@dataclass(frozen=True)
class EyeFolders:
    """A recording that decodes its pictures when asked for them."""

    spec: Spec
    table: pd.DataFrame
    files: list[dict[str, Path]]
    data: EyeFoldersData

    def __getitem__(self, row: int) -> Sample:
        line, size = self.table.iloc[row], (self.data.height, self.data.width)
        goal = _model_size(self.data)
        inputs = {view: resize_grey(read_grey(file, *size), *goal)[None] for view, file in self.files[row].items()}
        groups = {"participant": line["participant"], "session": line["session"]}
        return Sample(line["id"], groups, inputs, line[GAZE_COLUMNS].to_numpy(np.float32))


def open_eye_folders(data: EyeFoldersData, advance: Callable[[int, int], None] | None = None) -> EyeFolders:
    """Scan and open. Raises InputError with the first 20 faults if there are any."""
    scan = scan_eye_folders(data, advance)
    raise_faults(data.path, scan.faults)
    return EyeFolders(eye_spec(data), scan.table, scan.files, data)


def eye_spec(data: EyeFoldersData) -> Spec:
    """What a model of this recording reads: the views in the definition's order."""
    inputs = tuple(InputSpec(view, (1, *_model_size(data)), data.mean, data.std) for view in data.views)
    return Spec(inputs, "gaze", unit=data.unit, scene=(data.scene.width, data.scene.height))


def scan_eye_folders(data: EyeFoldersData, advance: Callable[[int, int], None] | None = None) -> Scan:
    """Find frames and labels below `data.path`, and everything wrong with them short of the pixels."""
    faults = _definition_faults(data)
    if faults:
        return Scan(pd.DataFrame(columns=COLUMNS), [], faults)
    rows: list[tuple[str, str, str, str, float, float]] = []
    files: list[dict[str, Path]] = []
    split_of = {folder: split for split, folder in data.splits.items()}
    sessions = matching_folders(data.path, data.layout)
    for done, (folder, values) in enumerate(sessions, start=1):
        if values.get("split") in split_of or "split" not in placeholders(data.layout):
            own_rows, own_files, own_faults = _scan_session(data, folder, values, split_of)
            rows, files, faults = rows + own_rows, files + own_files, faults + own_faults
        if advance:
            advance(done, len(sessions))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Scan(table, files, faults + _whole_faults(data, table, bool(faults)))


def _definition_faults(data: EyeFoldersData) -> list[Fault]:
    faults = []
    if not data.path.is_dir():
        faults.append(Fault("nothing found", f"{data.path}: no such folder."))
    if "participant" not in placeholders(data.layout):
        faults.append(Fault("definition", f"layout '{data.layout}' does not say which folder is the {{participant}}."))
    for view, template in data.views.items():
        if placeholders(template) != ["frame"]:
            faults.append(Fault("definition", f"view '{view}': file name '{template}' needs {{frame}}, once."))
    if data.labels is not None and "split" not in placeholders(data.layout):
        faults.append(Fault("definition", f"layout '{data.layout}' does not say which folder is the {{split}}."))
    return faults


def _scan_session(
    data: EyeFoldersData, folder: Path, values: dict[str, str], split_of: dict[str, str]
) -> tuple[list[tuple[str, str, str, str, float, float]], list[dict[str, Path]], list[Fault]]:
    name = folder.relative_to(data.path).as_posix()
    participant, session = values["participant"], values.get("session", "0")
    split = split_of.get(values.get("split", ""), "test")
    frames = files_in(folder, data.views)
    faults = [_missing(data, name, frame, found) for frame, found in frames.items() if len(found) < len(data.views)]
    if not frames:
        faults.append(Fault("nothing found", f"{name}: no frame; expected files such as {_example(data)}."))
    points = dict.fromkeys(frames, NOWHERE)
    if data.labels is not None:
        labels = read_labels(folder, name, data.labels, data.scene, list(frames))
        points, faults = labels.points, faults + labels.faults
    whole = [frame for frame, found in frames.items() if len(found) == len(data.views) and frame in points]
    rows = [(f"{participant}/{session}/{frame}", participant, session, split, *points[frame]) for frame in whole]
    return rows, [{view: folder / frames[frame][view] for view in data.views} for frame in whole], faults


def _missing(data: EyeFoldersData, name: str, frame: str, found: dict[str, str]) -> Fault:
    lost = [f"{view} missing ({fill(file, frame=frame)})" for view, file in data.views.items() if view not in found]
    views = f"{len(found)} of {len(data.views)} views found"
    return Fault("missing view", f"{name} frame {frame}: {', '.join(lost)}; {views}.")


def _whole_faults(data: EyeFoldersData, table: pd.DataFrame, other_faults: bool) -> list[Fault]:
    """Faults of the recording as a whole; unlabelled recordings need no splits."""
    if table.empty and not other_faults:
        where = f"{data.path}: no folder fits the layout '{data.layout}' with splits {', '.join(data.splits.values())}."
        return [Fault("nothing found", where)]
    faults = [
        Fault("participant in two splits", f"participant {name}: in {' and '.join(splits)}.")
        for name, splits in shared_participants(table).items()
    ]
    if data.labels is not None and not table.empty:
        empty = [split for split in SPLITS if not (table["split"] == split).any()]
        faults += [Fault("empty split", f"{split}: no usable frame (folder '{data.splits.get(split)}').") for split in empty]  # type: ignore[call-overload]
    return faults


def _model_size(data: EyeFoldersData) -> tuple[int, int]:
    return data.resize_height or data.height, data.resize_width or data.width


def _example(data: EyeFoldersData) -> str:
    return fill(next(iter(data.views.values())), frame="1")
