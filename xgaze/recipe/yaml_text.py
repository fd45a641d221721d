"""YAML that a person wrote: plain values only, every key a word and there once, nothing that unfolds or nests without end."""

import unicodedata
from pathlib import Path
from typing import Any

import yaml

from xgaze.errors import InputError

MOST_CHARACTERS = 200_000
MOST_VALUES = 20_000
DEEPEST = 30
SHOWN = 60
STRING, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read safely. Raises InputError naming file, line and problem."""
    if not path.is_file():
        raise InputError(f"{path}: {'a folder, not a YAML file' if path.is_dir() else 'no such file'}.")
    if path.stat().st_size > 4 * MOST_CHARACTERS:  # bytes of the longest characters
        raise InputError(f"{path}: {path.stat().st_size:,} bytes are too many for a recipe or definition (YAML).")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as YAML: not a text in UTF-8 ({error.reason}).") from None
    stored = parse_yaml(text, str(path))
    if not isinstance(stored, dict):
        raise InputError(f"{path}: expected a mapping of keys to values, found {type(stored).__name__}.")
    return stored


def parse_yaml(text: str, where: str) -> Any:
    """The plain value that `text` says. where: the file or option, named in messages. Raises InputError."""
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{where}: {len(text):,} characters are too many for a recipe or definition (YAML).")
    try:
        return _value(yaml.SafeLoader(text), where)
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}") from None
    except yaml.MarkedYAMLError as error:
        raise InputError(f"{where}: not readable as YAML: {_in_words(error)}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number of 5000 digits, the 31st of February
        raise InputError(f"{where}: not readable as YAML: {' '.join(str(error).split())[:200]}") from None


_TOO_DEEP = f"nested more than {DEEPEST} levels deep (or an alias within itself); no recipe needs that."


def _value(loader: yaml.SafeLoader, where: str) -> Any:
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check(root, where)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _check(root: yaml.Node, where: str) -> None:
    """Counts what aliases stand for as often as they stand for it: a page of them can unfold to billions of values."""
    waiting, seen = [(root, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST:
            raise InputError(f"{where}: {_TOO_DEEP}")
        if seen > MOST_VALUES:
            raise InputError(f"{where}: more than {MOST_VALUES:,} values, aliases unfolded; no recipe needs so many.")
        if isinstance(node, yaml.ScalarNode) and not _is_text(node.value):
            line = node.start_mark.line + 1
            raise InputError(f"{where}: line {line}: control characters, which nothing is named by.")
        if isinstance(node, yaml.MappingNode):
            _require_words_once([key for key, _ in node.value], where)
            waiting += [(one, depth + 1) for pair in node.value for one in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(one, depth + 1) for one in node.value]


def _is_text(value: str) -> bool:
    """Escapes in quotes can say what no file can be named, and halves of characters that no text holds."""
    return not any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\r\n" for one in value)


def _require_words_once(keys: list[yaml.Node], where: str) -> None:
    lines: dict[str, int] = {}
    for key in keys:
        line = key.start_mark.line + 1
        if key.tag not in (STRING, MERGE):
            told = f"'{key.value[:SHOWN]}'" if isinstance(key, yaml.ScalarNode) else "here"
            raise InputError(
                f'{where}: line {line}: the key {told} is not a word; put it in quotes ("...") if it is one.'
            )
        if key.value in lines:
            raise InputError(
                f"{where}: key '{key.value[:SHOWN]}' is there twice, in line {lines[key.value]} and in line {line}; keep one."
            )
        lines[key.value] = line


def _in_words(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    hint = " (indent by spaces, not tabs)" if "'\\t'" in (error.problem or "") else ""
    return f"{place}{error.problem or error.context or 'damaged'}{hint}."
