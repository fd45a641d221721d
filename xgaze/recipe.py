"""The recipe: one short YAML that is the whole experiment. Schema, loading, overrides, hash."""

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xgaze.errors import InputError, nearest


Schema = TypeVar("Schema", bound=BaseModel)


class Section(BaseModel):
    """A part of a recipe: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RenderedData(Section):
    """The embedded rendered recording: a head-mounted tracker with four eye cameras and an 800x600 scene camera."""

    source: Literal["rendered"]
    height: int = Field(128, ge=32)
    width: int = Field(160, ge=32)
    train_participants: int = Field(600, ge=2)
    validation_participants: int = Field(60, ge=2)
    test_participants: int = Field(160, ge=2)
    frames_per_participant: int = Field(12, ge=1)
    seed: int = 0


class Scene(Section):
    """Size of the scene image in px; gaze labels lie inside it, origin top left."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)


class GazeLabels(Section):
    """The label table of a session folder. Row i belongs to frame i (1-based) unless a `frame` column is named."""

    file: str = "Learn.csv"
    x: str = "cornerxy[0]"
    y: str = "cornerxy[1]"
    frame: str | None = None


class EyeFoldersData(Section):
    """Eye-camera frames in folders: `path/layout/<view file>` with one label table per session folder.

    `layout` names the folder levels with {split}, {participant}, {session}. `views` gives each camera's file name with
    {frame}. `splits` says which folder is which split. `unit` is the unit of the labels.
    """

    source: Literal["eye-folders"]
    path: Path
    layout: str = "{split}/{participant}/{session}"
    views: dict[str, str] = {f"eye{cam}": f"{{frame}}_{cam}.png" for cam in (0, 1, 3, 4)}
    labels: GazeLabels | None = GazeLabels()
    splits: dict[Literal["train", "validation", "test"], str] = {
        "train": "train",
        "validation": "val",
        "test": "test",
    }
    unit: Literal["px"] = "px"
    scene: Scene = Scene(width=960, height=540)
    height: int = Field(576, ge=8)
    width: int = Field(720, ge=8)
    resize_height: int | None = Field(None, ge=8)
    resize_width: int | None = Field(None, ge=8)
    mean: float = 98.54010552
    std: float = Field(41.5086445, gt=0)


class Fractions(Section):
    """Shares of participants; what is left goes to training."""

    validation: float = Field(0.15, gt=0, lt=1)
    test: float = Field(0.25, gt=0, lt=1)


class GazeImagesData(Section):
    """Pictures of gaze (heatmaps, scanpaths) with participant and class.

    `path` is a folder laid out `class/participant/*.png`, or a folder (or .npz) with an `images` array and a CSV beside
    it whose rows are in the same order.
    """

    source: Literal["gaze-images"]
    path: Path
    participant: str = "participant"
    label: str = "label"
    class_name: str | None = "class"
    height: int = Field(128, ge=8)
    width: int = Field(128, ge=8)
    channels: Literal[1, 3] = 3
    split: Fractions = Fractions()
    seed: int = 0


Data = Annotated[RenderedData | EyeFoldersData | GazeImagesData, Field(discriminator="source")]


class ModelSection(Section):
    """A registered architecture and its arguments."""

    name: str
    args: dict[str, Any] = {}


class Training(Section):
    """How a model is trained. Selection and early stopping look at validation participants only."""

    epochs: int = Field(20, ge=1)
    batch_size: int = Field(24, ge=1)
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1.5e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["one-cycle", "step", "constant"] = "one-cycle"
    step_epochs: int = Field(60, ge=1)
    loss: Literal["smooth-l1", "euclidean", "root-mse", "cross-entropy"] = "smooth-l1"
    patience: int = Field(10, ge=1)
    min_delta: float = Field(0.0, ge=0)
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    channels_last: bool = True
    accelerator: str = "auto"
    devices: int | str = "auto"
    strategy: str = "auto"


class Distill(Section):
    """How the student is found: budget, ranks to try (None: from the layer's capacity), tuning."""

    max_worse_percent: float = 2.0
    ranks: list[int] | None = None
    tuning_epochs: int = Field(20, ge=1)
    learning_rate: float = Field(5e-4, gt=0)
    batch_size: int = Field(64, ge=1)
    teacher_weight: float = Field(0.5, ge=0, le=1)
    calibration_samples: int = Field(2048, ge=8)


class Explain(Section):
    """Attribution settings: integration steps, and points of the embedding sweep."""

    steps: int = Field(50, ge=8)
    internal_batch_size: int = Field(16, ge=1)
    sweep_points: int = Field(21, ge=3)


class Recipe(Section):
    """The whole experiment. `hash` identifies it; every artefact carries it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 0
    data: Data
    model: ModelSection
    training: Training = Training()
    distill: Distill = Distill()
    explain: Explain = Explain()

    @property
    def hash(self) -> str:
        return fingerprint(self.model_dump(mode="json"))

    def teacher_hash(self) -> str:
        """Hash of all that the teacher depends on: changing only distill or explain keeps the teacher."""
        return fingerprint(self.model_dump(mode="json", include={"name", "seed", "data", "model", "training"}))

    def student_hash(self) -> str:
        """Hash of all that the student depends on."""
        return fingerprint(self.model_dump(mode="json", exclude={"explain"}))


def fingerprint(stored: dict[str, Any]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:12]


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
    for override in overrides:
        _override(stored, override)
    return _validated(Recipe, stored, path)


def load_data(path: Path) -> Data:
    """Read a data definition: a YAML with `source: ...`, or a recipe, whose data section is taken. Raises InputError."""
    stored = read_yaml(path)
    section = _data_section(stored["data"] if "data" in stored else stored, path)
    return _validated(_DataOnly, {"data": section}, path).data


class _DataOnly(Section):
    data: Data


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read safely. Raises InputError naming file, line and problem."""
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(stored, dict):
        raise InputError(f"{path}: expected a mapping of keys to values, found {type(stored).__name__}.")
    return stored


def _find(name_or_path: str) -> Path:
    builtin = builtin_recipes()
    if name_or_path in builtin and not Path(name_or_path).is_file():
        return builtin[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise InputError(f"no recipe '{name_or_path}': neither a file nor a built-in recipe; {nearest(name_or_path, builtin)}")


def _data_section(section: Any, path: Path) -> Any:
    """A `data:` that is a string names a definition file; relative paths start at the file that states them."""
    if isinstance(section, str):
        definition = path.parent / section
        return _data_section(read_yaml(definition), definition)
    if isinstance(section, dict) and isinstance(section.get("path"), str):
        return {**section, "path": str(path.parent / Path(section["path"]).expanduser())}
    return section


def _override(stored: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set {override}: expected key=value, for example --set training.epochs=5.")
    *parents, last = key.split(".")
    section = stored
    for parent in parents:
        child = section.setdefault(parent, {})
        if not isinstance(child, dict):
            raise InputError(f"--set {override}: '{parent}' is a single value and has no '{last}'.")
        section = child
    try:
        section[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise InputError(f"--set {override}: the value is not readable as YAML.") from None


def _validated(schema: type[Schema], stored: dict[str, Any], path: Path) -> Schema:
    try:
        return schema.model_validate(stored)
    except ValidationError as error:
        lines = [f"{path}: {_explain(fault, schema)}" for fault in error.errors(include_url=False)]
        raise InputError("\n".join(lines)) from None


def _explain(fault: Any, schema: type[BaseModel]) -> str:
    """One line for a person: the key, what is wrong, and the nearest valid key for a misspelt one."""
    where = [str(part) for part in fault["loc"]]
    key = ".".join(where)
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {nearest(where[-1], _keys_at(schema, where[:-1]))}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing."
    return f"key '{key}': {fault['msg']} (found {fault['input']!r})."


def _keys_at(schema: type[BaseModel], where: list[str]) -> list[str]:
    """Keys that are valid at a place in the schema; a tag of the data union counts as a level."""
    definitions = schema.model_json_schema()
    node: dict[str, Any] = definitions
    for part in where:
        node = _resolve(node, definitions)
        mapping = node.get("discriminator", {}).get("mapping", {})
        node = {"$ref": mapping[part]} if part in mapping else node.get("properties", {}).get(part, {})
    return list(_resolve(node, definitions).get("properties", {}))


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = definitions["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node
