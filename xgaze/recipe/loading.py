"""Reading recipes and data definitions: finding the file, overrides, and messages a person can act on."""

from importlib import resources
from pathlib import Path
from reprlib import Repr
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from xgaze.errors import InputError, nearest
from xgaze.recipe.data_sections import Section
from xgaze.recipe.schema import Recipe
from xgaze.recipe.sources import Data, section_of
from xgaze.recipe.yaml_text import parse_yaml, read_yaml

Schema = TypeVar("Schema", bound=BaseModel)
SHOWN, FAULTS_SHOWN, DEEPEST_KEY = 60, 10, 20


def builtin_recipes() -> dict[str, Path]:
    """Recipes that come with xgaze, by name."""
    folder = Path(str(resources.files("xgaze"))) / "recipes"
    if not folder.is_dir():  # a source checkout keeps them at the top level
        folder = Path(str(resources.files("xgaze"))).parent / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(name_or_path: str, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe by built-in name or path, apply `key=value` overrides, validate. Raises InputError."""
    path = _find(name_or_path)
    stored = read_yaml(path)
    stored["data"] = _data_section(stored.get("data"), path)
    if "model" in stored:
        stored["model"] = _placed(stored["model"], path.parent)
    for override in overrides:
        _override(stored, override)
    return _validated(Recipe, stored, path)


def load_data(path: Path, overrides: tuple[str, ...] = ()) -> Data:
    """Read a data definition: a YAML with `source: ...`, or a recipe (also a built-in one), whose data section is taken.

    overrides: `data.key=value`. Raises InputError.
    """
    if not path.is_file():
        path = builtin_recipes().get(str(path), path)
    stored = read_yaml(path)
    only_data = {"data": _data_section(stored.get("data", stored), path)}
    for override in overrides:
        _override(only_data, override)
    return _validated(_DataOnly, only_data, path).data


class _DataOnly(Section):
    data: Data


def _find(name_or_path: str) -> Path:
    builtin = builtin_recipes()
    if name_or_path in builtin and not Path(name_or_path).is_file():
        return builtin[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise InputError(
        f"no recipe '{name_or_path}': neither a file nor a built-in recipe; {nearest(name_or_path, builtin)}"
    )


def _data_section(section: Any, path: Path) -> Any:
    """A `data:` that is a string names a definition file; relative paths start at the file that states them."""
    if isinstance(section, str):
        definition = path.parent / section
        return _data_section(read_yaml(definition), definition)
    return _placed(section, path.parent)


def _placed(section: Any, folder: Path) -> Any:
    """Relative paths, those of unlabelled recordings and of weights too, made to start at `folder`."""
    if not isinstance(section, dict):
        return section
    placed = dict(section)
    for key in ("path", "weights"):
        if isinstance(section.get(key), str):
            placed[key] = str(folder / _expanded(section[key]))
    if "unlabelled" in section:
        placed["unlabelled"] = _placed(section["unlabelled"], folder)
    return placed


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{path[:SHOWN]}: there is no such user, so no home folder; write the path out.") from None


def _override(stored: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    *parents, last = parts = key.split(".")
    told = f"--set {override if len(override) <= SHOWN else override[:SHOWN] + '...'}"
    if not equals or not all(parts) or not key.isprintable():
        raise InputError(f"{told}: expected key=value, for example --set training.epochs=5.")
    if len(parts) > DEEPEST_KEY:
        raise InputError(f"{told}: no key is {len(parts)} levels deep.")
    section = stored
    for parent in parents:
        child = section.setdefault(parent, {})
        if not isinstance(child, dict):
            raise InputError(f"{told}: '{parent}' is a single value and has no '{last}'.")
        section = child
    section[last] = parse_yaml(value, told)


def _validated(schema: type[Schema], stored: dict[str, Any], path: Path) -> Schema:
    try:
        return schema.model_validate(stored)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        lines = [f"{path}: {_explain(fault, schema, stored)}" for fault in faults[:FAULTS_SHOWN]]
        if len(faults) > FAULTS_SHOWN:
            lines.append(f"{path}: and {len(faults) - FAULTS_SHOWN} more faults.")
        raise InputError("\n".join(lines)) from None


def _explain(fault: Any, schema: type[BaseModel], stored: Any) -> str:
    """One line for a person: the key, what is wrong, and the nearest valid key for a misspelt one."""
    where = [str(part) for part in (*fault["loc"], *_deeper(fault))]
    lacking = [where[-1]] if fault["type"] == "missing" else []
    key = ".".join(part[:SHOWN] for part in [*_written(where[: len(where) - len(lacking)], stored), *lacking])
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {nearest(where[-1][:SHOWN], _keys_at(schema, where[:-1], stored))}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing; add it, or give it with --set {key}=VALUE."
    found = fault["input"][where[-1]] if fault["type"] == "boolean" else fault["input"]
    return f"key '{key}': {fault['msg']} (found {shortened(found)})."


def _written(where: list[str], stored: Any) -> list[str]:
    """A place as people write it: without the tags of unions, which Pydantic puts into it."""
    written = []
    for part in where:
        known = part in stored if isinstance(stored, dict) else isinstance(stored, list | tuple) and part.isdecimal()
        if stored is not None and not known:
            continue
        written.append(part)
        stored = stored[part] if isinstance(stored, dict) else _entry(stored, part)
    return written


def _entry(stored: Any, part: str) -> Any:
    return stored[int(part)] if isinstance(stored, list | tuple) and part.isdecimal() else None


def _deeper(fault: Any) -> list[str]:
    """The key that a check of a whole section names."""
    return [fault["ctx"]["key"]] if fault["type"] == "boolean" else []


def shortened(value: Any) -> str:
    """A value as Python writes it, on one line of bounded length whatever it is."""
    brief = Repr()
    brief.maxstring = brief.maxother = brief.maxlong = SHOWN
    return brief.repr(value)


def _keys_at(schema: type[BaseModel], where: list[str], stored: Any) -> list[str]:
    """Keys that are valid at a place in the schema; tags of unions and places in lists count as levels."""
    if where[:1] == ["data"] and (section := section_of(stored.get("data"))):
        schema, where = section, where[1:]
    definitions = schema.model_json_schema()
    node: dict[str, Any] = definitions
    for part in where:
        node = _resolve(node, definitions)
        if part.isdecimal() and "items" in node:
            node = node["items"]
            continue
        mapping = node.get("discriminator", {}).get("mapping", {})
        named = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
        node = {"$ref": mapping[part]} if part in mapping else named if isinstance(named, dict) else {}
    return list(_resolve(node, definitions).get("properties", {}))


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    # A section that may be left out is "this or null".
    node = next((one for one in node.get("anyOf", []) if "$ref" in one), node)
    while "$ref" in node:
        node = definitions["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def load_section(schema: type[Schema], stored: dict[str, Any], overrides: tuple[str, ...], path: Path) -> Schema:
    """A section that options say, with `key=value` overrides, as messages of `path` name it. Raises InputError."""
    for override in overrides:
        _override(stored, override)
    return _validated(schema, stored, path)
