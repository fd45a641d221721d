"""What lies in eye-camera folders: sessions, frames, files and labels, and every fault that shows without pixels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from xgaze.data.contract import SPLITS
from xgaze.data.eyes.eye_labels import UNKNOWN, Gaze, frame_key, mismatches, read_gaze, shared_labels
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.fault_kinds import Fault
from xgaze.data.identities import doubts, zeros_told
from xgaze.data.path_templates import files_in, fill, matching_folders, placeholders, values_of
from xgaze.data.pictures.walk import LeftOut, is_utf8, printable, told_left_out, walk
from xgaze.errors import nearest
from xgaze.recorded_targets import BY_TEACHER

LAYOUT_NAMES = ("split", "participant", "session")


@dataclass(frozen=True)
class Frame:
    """One moment: its name, view -> file relative to the session folder, gaze in px (NaN where unknown)."""

    name: str
    files: dict[str, str]
    gaze: Gaze


@dataclass(frozen=True)
class Session:
    """One session folder. `name` is its path below the recording's root, as messages call it."""

    folder: Path
    name: str
    split: str
    participant: str
    session: str
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True)
class EyeScan:
    """Sessions in the order of splits, participants and sessions, and all faults found."""

    sessions: tuple[Session, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()
    """What was left out, in words."""


def scan(data: EyeFoldersData, for_prediction: bool = False) -> EyeScan:
    """Look through a recording's folders. For prediction labels may be missing and splits may be empty."""
    faults = definition_faults(data)
    if faults:
        return EyeScan((), tuple(faults))
    if not data.path.is_dir():
        return EyeScan((), (Fault("nothing found", f"{data.path}: no such folder."),))
    places = list(_places(data))
    if not places:
        return EyeScan((), (Fault("nothing found", _nothing_found(data)),))
    result = _scan_places(places, data, for_prediction)
    empty = () if for_prediction else _empty_splits(result.sessions, data)
    people = [session.participant for session in result.sessions]
    return EyeScan(
        result.sessions, result.faults + empty, (*zeros_told(people, "participants"), *_left_out(result.sessions, data))
    )


def _left_out(sessions: tuple[Session, ...], data: EyeFoldersData) -> list[str]:
    """Pictures that no session reads, with counts by folder; and what is no file."""
    here = [(session.folder.relative_to(data.path), frame) for session in sessions for frame in session.frames]
    read = {PurePosixPath((folder / file).as_posix()) for folder, frame in here for file in frame.files.values()}
    found = walk(data.path)
    unread = [
        LeftOut(path, "left out (fit neither `layout` nor `views`)") for path in found.pictures if path not in read
    ]
    return told_left_out([*unread, *(one for one in found.left_out if not one.is_other_file)])


def scan_session(data: EyeFoldersData, folder: Path) -> EyeScan:
    """A single session folder, for prediction: participant and session are read from its path where the layout fits."""
    faults = definition_faults(data)
    if faults:
        return EyeScan((), tuple(faults))
    known = values_of(folder, data.layout)
    name = folder.resolve().name
    place = Session(folder, name, "test", known.get("participant", name), known.get("session", "0"))
    return _scan_places([place], data, for_prediction=True)


def is_session(data: EyeFoldersData, folder: Path) -> bool:
    """Whether pictures of the recording's views lie directly in this folder."""
    return bool(files_in(folder, data.views))


def definition_faults(data: EyeFoldersData) -> list[Fault]:
    """What is wrong with the definition, before any folder is opened."""
    problems = [
        f"layout '{data.layout}': unknown placeholder {{{name}}}; {nearest(name, LAYOUT_NAMES)}"
        for name in placeholders(data.layout)
        if name not in LAYOUT_NAMES
    ]
    problems += [
        f"layout '{data.layout}': {{{name}}} is missing, so it cannot be known which {name} a frame belongs to."
        for name in ("split", "participant")
        if name not in placeholders(data.layout)
    ]
    problems += [
        f"views: {view}: '{template}' must contain {{frame}}, and no other placeholder."
        for view, template in data.views.items()
        if set(placeholders(template)) != {"frame"}
    ]
    if not data.views or len(set(data.views.values())) < len(data.views):
        problems.append("views: at least one is needed, and each must name a file of its own.")
    if (data.resize_height is None) != (data.resize_width is None):
        problems.append("resize_height and resize_width must be given together.")
    return [Fault("definition", problem) for problem in problems]


def _places(data: EyeFoldersData) -> Iterator[Session]:
    for split in SPLITS:
        if split not in data.splits:
            continue
        for folder, known in matching_folders(data.path, fill(data.layout, split=data.splits[split])):
            name = folder.relative_to(data.path).as_posix()
            yield Session(folder, name, split, known["participant"], known.get("session", "0"))


def _nothing_found(data: EyeFoldersData) -> str:
    expected = [fill(data.layout, split=folder) for folder in data.splits.values()]
    return f"{data.path}: no session folder found; expected {' or '.join(expected)}."


def _scan_places(places: list[Session], data: EyeFoldersData, for_prediction: bool) -> EyeScan:
    sessions: list[Session] = []
    faults: list[Fault] = []
    for place in places:
        session, own = _scan_place(place, data, several=len(places) > 1, for_prediction=for_prediction)
        sessions.append(session)
        faults += own
    alike = doubts([session.participant for session in sessions], "participants")
    return EyeScan(tuple(sessions), (*faults, *_unwritable(sessions), *_shared(sessions), *alike))


def _scan_place(
    place: Session, data: EyeFoldersData, several: bool, for_prediction: bool
) -> tuple[Session, list[Fault]]:
    files = files_in(place.folder, data.views)
    gaze, faults = _labels(place, list(files), data, several, for_prediction)
    if not files:
        expected = next(iter(data.views.values()))
        faults.insert(0, Fault("nothing found", f"{place.name}: no frames found; expected files such as {expected}."))
    faults += [fault for frame, own in files.items() for fault in _missing_views(place.name, frame, own, data.views)]
    frames = tuple(Frame(name, own, gaze.get(frame_key(name), UNKNOWN)) for name, own in files.items())
    return replace(place, frames=frames), faults


def _labels(
    place: Session, frames: list[str], data: EyeFoldersData, several: bool, for_prediction: bool
) -> tuple[dict[str, Gaze], list[Fault]]:
    """For prediction only labels that would give wrong errors are faults; missing ones are not."""
    if data.labels is None or data.truth == BY_TEACHER:
        return {}, []
    path = place.folder / data.labels.file
    if for_prediction and not path.is_file():
        return {}, []
    name = f"{place.name}/{data.labels.file}"
    gaze, faults = read_gaze(path, name, f"{name} " if several else "", data.labels, data.scene)
    faults += shared_labels(frames, place.name)
    if for_prediction:
        return gaze, [fault for fault in faults if fault.kind != "missing label"]
    if frames and not any(fault.kind == "label table" for fault in faults):
        faults += mismatches(frames, gaze, place.name, data.labels)
    return gaze, faults


def _missing_views(session: str, frame: str, files: dict[str, str], views: dict[str, str]) -> list[Fault]:
    missing = [view for view in views if view not in files]
    if not missing:
        return []
    names = ", ".join(fill(views[view], frame=frame) for view in missing)
    found = f"{len(files)} of {len(views)} views found"
    return [Fault("missing view", f"{session} frame {frame}: {', '.join(missing)} missing ({names}); {found}.")]


def _unwritable(sessions: list[Session]) -> list[Fault]:
    """Names that no table could hold."""
    names = [session.name for session in sessions]
    names += [f"{session.name}/{frame.name}" for session in sessions for frame in session.frames]
    remedy = "is not named in UTF-8; rename it."
    return [Fault("definition", f"{printable(name)}: {remedy}") for name in names if not is_utf8(name)]


def _shared(sessions: list[Session]) -> tuple[Fault, ...]:
    """Participants whose folders lie in two splits."""
    splits_of: dict[str, dict[str, str]] = {}
    for session in sessions:
        splits_of.setdefault(session.participant, {}).setdefault(session.split, session.name)
    return tuple(
        Fault(
            "participant in two splits",
            f"participant {participant} is in {' and '.join(own)} (folders {', '.join(own.values())}).",
        )
        for participant, own in splits_of.items()
        if len(own) > 1
    )


def _empty_splits(sessions: tuple[Session, ...], data: EyeFoldersData) -> tuple[Fault, ...]:
    """Splits without a frame; an unlabelled recording is for prediction and needs none, unless a teacher labels it."""
    if data.labels is None and data.truth != BY_TEACHER:
        return ()
    filled = {session.split for session in sessions if session.frames}
    empty = [split for split in SPLITS if split not in filled]
    return tuple(Fault("empty split", f"{split}: {_looked_for(split, data)}") for split in empty)


def _looked_for(split: str, data: EyeFoldersData) -> str:
    folder = {str(name): folder for name, folder in data.splits.items()}.get(split)
    if folder is None:
        return "`splits` names no folder for it."
    return f"no frames in {fill(data.layout, split=folder)}."
