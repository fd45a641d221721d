"""Participant, class and kind of each picture from its file name, by a regular expression."""

import re
from dataclasses import replace
from pathlib import Path

from xgaze.data.fault_kinds import Fault
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.pictures.picture_files import PictureFiles
from xgaze.data.pictures.picture_labels import PictureRows, rows_of_known


def rows_of_names(pictures: PictureFiles, data: GazeImagesData) -> tuple[PictureFiles, PictureRows]:
    """The pictures of `data.kind` (all when None) and their rows; a fault for each name that `data.names` does not fit."""
    pattern = re.compile(data.names or "")
    matches = [pattern.fullmatch(file.name) for file in pictures.files]
    faults = [
        Fault("definition", f"{file}: does not fit names '{data.names}', so its participant and class are unknown.")
        for file, match in zip(pictures.files, matches, strict=True)
        if match is None
    ]
    read = [(file, match) for file, match in zip(pictures.files, matches, strict=True) if match]
    faults += [Fault("definition", f"{file}: {why}") for file, match in read if (why := _cut_number(match))]
    faults += _no_such_kind([match for _, match in read], data, pictures.root)
    kept = [(file, match) for file, match in read if data.kind is None or match["kind"] == data.kind]
    people, names = [match["participant"] or "" for _, match in kept], [match["class"] or "" for _, match in kept]
    files = tuple(file for file, _ in kept)
    rows = rows_of_known([str(file) for file in files], people, names)
    others = len(read) - len(kept)
    told = (f"{others:,} of {len(read):,} pictures are not of kind '{data.kind}': left out.",) if others else ()
    found = replace(pictures, files=files)
    return found, PictureRows(rows, tuple(sorted(set(names))), tuple(faults), told)


def _cut_number(match: re.Match[str]) -> str:
    """Participant "1" of a file "11_...": two people would become one."""
    start, end = match.span("participant")
    name, person = match.string, match["participant"] or ""
    before, after = name[start - 1 : start] if start else "", name[end : end + 1]
    cut = person and ((person[0].isdigit() and before.isdigit()) or (person[-1].isdigit() and after.isdigit()))
    if not person:
        return "the participant is empty."
    return f"participant '{person}' is only a part of the number there; let the group take all digits." if cut else ""


def _no_such_kind(matches: list[re.Match[str]], data: GazeImagesData, root: Path) -> list[Fault]:
    if data.kind is None or not matches:
        return []
    kinds = sorted({match["kind"] or "" for match in matches})
    if data.kind in kinds:
        return []
    return [Fault("nothing found", f"{root}: no picture of kind '{data.kind}'; found {', '.join(kinds)}.")]
