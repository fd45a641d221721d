"""Folder and file names as templates: "{split}/{participant}/{session}", "{frame}_0.png". Opens no file."""

import re
from collections.abc import Iterator
from pathlib import Path


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that puts "9_0.png" before "10_0.png"; names that differ only in zeros keep a fixed order."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name


def placeholders(template: str) -> list[str]:
    """Names in braces, in order."""
    return re.findall(r"\{(\w*)\}", template)


def fill(template: str, **values: str) -> str:
    """Template with the given placeholders replaced; others stay."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def template_regex(template: str, known: dict[str, str] | None = None) -> re.Pattern[str]:
    """Pattern with one group per placeholder; `known` placeholders match only their value.

    Two placeholders in one name part at the first place that fits: "{participant}_{session}" reads "a_b_c" as a, b_c.
    """
    known, seen, pattern = known or {}, set(), ""
    for i, part in enumerate(re.split(r"\{(\w*)\}", template)):
        if i % 2 == 0:
            pattern += re.escape(part)
        elif part in known:
            pattern += re.escape(known[part])
        elif part in seen:
            pattern += f"(?P={part})"
        else:
            pattern += f"(?P<{part}>.+?)"
            seen.add(part)
    return re.compile(pattern)


def levels(layout: str) -> list[str]:
    """Folder levels of a layout."""
    return [level for level in layout.split("/") if level not in ("", ".")]


def matching_folders(root: Path, layout: str) -> list[tuple[Path, dict[str, str]]]:
    """Folders below `root` that fit the layout, in natural order, with the values of its placeholders."""
    found: list[tuple[Path, dict[str, str]]] = [(root, {})]
    for level in levels(layout):
        found = [deeper for folder, known in found for deeper in _matching_children(folder, level, known)]
    return found


def _matching_children(folder: Path, level: str, known: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    if not placeholders(level):
        if (folder / level).is_dir():
            yield folder / level, known
        return
    pattern = template_regex(level, known)
    for child in sorted(folder.iterdir(), key=lambda path: natural_key(path.name)):
        match = pattern.fullmatch(child.name)
        if match and child.is_dir() and not child.name.startswith("."):
            yield child, {**known, **match.groupdict()}


def values_of(folder: Path, layout: str) -> dict[str, str]:
    """Placeholder values read backwards from the end of a folder's own path; empty when it does not fit the layout."""
    parts, known = folder.resolve().parts[1:], dict[str, str]()
    wanted = levels(layout)
    if len(parts) < len(wanted):
        return {}
    for level, part in zip(wanted, parts[len(parts) - len(wanted) :], strict=True):
        match = template_regex(level, known).fullmatch(part)
        if not match:
            return {}
        known.update(match.groupdict())
    return known


def files_in(folder: Path, templates: dict[str, str]) -> dict[str, dict[str, str]]:
    """Frames of a folder: {frame: {view: file relative to the folder}}, frames in natural order.

    templates: view -> file name with {frame}, which may start with subfolders. A file that fits two templates belongs
    to the one with more literal characters: "5_b.png" is frame 5 of "{frame}_b.png", not frame 5_b of "{frame}.png".
    Endings may be in upper or lower case; of two files that differ in that alone, the one that is as the template says.
    """
    frames: dict[str, dict[str, str]] = {}
    exact_first = sorted(templates, key=lambda view: -len(templates[view]))
    for parent in sorted({str(Path(template).parent) for template in templates.values()}):
        patterns = {
            view: template_regex(_plain_ending(Path(templates[view]).name))
            for view in exact_first
            if str(Path(templates[view]).parent) == parent
        }
        endings = tuple(Path(template).suffix for template in templates.values())
        for name in sorted(_file_names(folder / parent), key=lambda name: not name.endswith(endings)):
            for view, pattern in patterns.items():
                if match := pattern.fullmatch(_plain_ending(name)):
                    frames.setdefault(match["frame"], {}).setdefault(view, str(Path(parent) / name))
                    break
    # Folders are listed in any order; views come in the order of the templates.
    return {
        frame: {view: frames[frame][view] for view in templates if view in frames[frame]}
        for frame in sorted(frames, key=natural_key)
    }


def _plain_ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem + dot + ending.lower()


def _file_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]
