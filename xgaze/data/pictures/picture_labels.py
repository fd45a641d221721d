"""Participant, session and class of each picture: from a table, or from folder names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from xgaze.data.fault_kinds import Fault
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.tables.missing import is_missing
from xgaze.data.tables.reader import read_table, require_columns
from xgaze.data.tables.spellings import spelt
from xgaze.errors import InputError

UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class PictureRows:
    """rows: id, participant, session, class_name ("" where unknown), one row per picture. classes: in label order.

    notes: what was left out or assumed, in words.
    """

    rows: pd.DataFrame
    classes: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def rows_of_table(path: Path, data: GazeImagesData, for_prediction: bool = False) -> PictureRows:
    """Rows of a CSV. For prediction the participant and label columns may be missing, and cells empty."""
    needed = [] if for_prediction else _required(data)
    try:
        table = read_table(path, data, name=path.name, needed=needed, blank_lines=True)
        require_columns(table, needed, path.name)
    except InputError as error:
        return PictureRows(_rows([], [], [], []), (), (Fault("label table", str(error)),))
    named = [data.participant, data.label, *([data.class_name] if data.class_name else [])]
    table, faults = spelt(table, named, data, path.name)
    names, classes, wrong = _class_names(table, data, path.name)
    faults += wrong
    people = list(table[data.participant]) if data.participant in table else [UNKNOWN] * len(table)
    sessions = [one or "0" for one in table["session"]] if "session" in table else ["0"] * len(table)
    if for_prediction:
        faults = [fault for fault in faults if fault.kind != "missing label"]
    elif data.participant in table:
        faults += _missing_cells(table[data.participant], data.participant, path.name)
    people = [
        UNKNOWN if missing else person
        for person, missing in zip(people, is_missing(pd.Series(people, dtype=str)), strict=True)
    ]
    ids = [f"{person}/{session}/{row}" for row, (person, session) in enumerate(zip(people, sessions, strict=True))]
    return PictureRows(_rows(ids, people, sessions, names), classes, tuple(faults))


def rows_of_folders(files: Sequence[PurePosixPath]) -> PictureRows:
    """Rows of files laid out class/participant/picture; a fault for each file that is not."""
    classes = sorted({file.parts[0] for file in files if len(file.parts) == 3})
    faults = [
        Fault("definition", f"{file}: not in a folder class/participant, so its class and participant are unknown.")
        for file in files
        if len(file.parts) != 3
    ]
    placed = [file.parts if len(file.parts) == 3 else ("", UNKNOWN, file.name) for file in files]
    people, names = [parts[1] for parts in placed], [parts[0] for parts in placed]
    rows = _rows([str(file) for file in files], people, ["0"] * len(files), names)
    return PictureRows(rows, tuple(classes), tuple(faults))


def rows_of_unsorted(files: Sequence[PurePosixPath], root: Path, classes: tuple[str, ...]) -> PictureRows:
    """Rows of files at any depth, for prediction: the folder around a picture is its participant, the top folder its
    class if the model knows a class of that name."""
    people, names = [], []
    for file in files:
        folders = list(file.parts[:-1])
        names.append(folders.pop(0) if folders and folders[0] in classes else "")
        people.append(folders[-1] if folders else root.resolve().name)
    return PictureRows(_rows([str(file) for file in files], people, ["0"] * len(files), names), classes)


def rows_of_known(ids: list[str], people: list[str], names: list[str]) -> pd.DataFrame:
    """Rows of pictures without sessions."""
    return _rows(ids, people, ["0"] * len(ids), names)


def _rows(ids: list[str], people: list[str], sessions: list[str], names: list[str]) -> pd.DataFrame:
    columns = {"id": ids, "participant": people, "session": sessions, "class_name": names}
    return pd.DataFrame(columns, dtype=str)


def _required(data: GazeImagesData) -> list[str]:
    """The class-name column is required only where the definition asks for another than the default one."""
    named = data.class_name is not None and data.class_name != GazeImagesData.model_fields["class_name"].default
    return [data.participant, data.label] + ([str(data.class_name)] if named else [])


def _class_names(
    table: pd.DataFrame, data: GazeImagesData, name: str
) -> tuple[list[str], tuple[str, ...], list[Fault]]:
    """Class name of each row, all class names in label order, and faults. Whole-number labels keep their order."""
    if data.label not in table:
        return [""] * len(table), (), []
    labels = table[data.label].mask(is_missing(table[data.label]), "")
    faults = _missing_cells(table[data.label], data.label, name)
    numbers = pd.to_numeric(labels[labels != ""], errors="coerce")
    if numbers.isna().any():
        return list(labels), tuple(sorted(set(labels) - {""})), faults
    if (numbers % 1 != 0).any():
        example = labels[numbers.index[numbers % 1 != 0][0]]
        problem = f"{name}: column '{data.label}' holds {example}; classes are whole numbers or words."
        return [""] * len(table), (), [*faults, Fault("label table", problem)]
    whole = numbers.astype(int)
    titles, more = _titles(whole, table, data, name)
    return [titles[whole[row]] if row in whole else "" for row in table.index], tuple(titles.values()), faults + more


def _titles(
    numbers: "pd.Series[int]", table: pd.DataFrame, data: GazeImagesData, name: str
) -> tuple[dict[int, str], list[Fault]]:
    """Label -> class name, in order of labels: from the class-name column, else the label itself."""
    named = data.class_name in table
    titles, faults = {}, list[Fault]()
    for number in sorted(set(numbers)):
        own = sorted(set(table[data.class_name][numbers.index[numbers == number]]) - {""}) if named else []
        titles[number] = own[0] if own else str(number)
        if len(own) > 1:
            faults.append(Fault("label table", f"{name}: label {number} has several names: {', '.join(own)}."))
    shared = [title for title in titles.values() if list(titles.values()).count(title) > 1]
    if shared:
        faults.append(Fault("label table", f"{name}: several labels have the name {shared[0]}."))
    return titles, faults


def _missing_cells(cells: "pd.Series[str]", column: str, name: str) -> list[Fault]:
    rows = np.flatnonzero(is_missing(cells))
    share = f"{len(rows)} of {len(cells)} rows"
    return [
        Fault("missing label", f"{name} row {row + 1}: {column} is {_shown(cells.iloc[row])}; {share}.") for row in rows
    ]


def _shown(cell: str) -> str:
    return f"'{cell}', which names nothing" if cell else "empty"
