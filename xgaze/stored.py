"""Reading what a command once wrote, which may since have been damaged, edited or sent by a stranger: through a schema, or not at
all. Every fault is one InputError that names the file, what is wrong with it, and what to do."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from xgaze.errors import InputError
from xgaze.spreadsheet import as_meant

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Model = TypeVar("Model", bound=BaseModel)
FAULTS_SHOWN, SHOWN = 3, 60
TEXT_COLUMNS = ("id", "group", "participant", "session", "split")


class Stored(BaseModel):
    """A mapping as stored: these keys are needed, of these types exactly; what later versions add is left as it is."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, frozen=True)


def schema_of(kind: type[Any], base: type[Model]) -> type[Model]:
    """What a dataclass looks like as stored."""
    hints = get_type_hints(kind)
    held: dict[str, Any] = {}
    for one in dataclasses.fields(kind):
        known = {"default": one.default, "default_factory": one.default_factory}
        given: dict[str, Any] = {key: value for key, value in known.items() if value is not dataclasses.MISSING}
        held[one.name] = (hints[one.name], Field(**given))
    return create_model(f"Stored{kind.__name__}", __base__=base, **held)


def read_json(path: Path, remedy: str = "") -> Any:
    """Read JSON of finite numbers. Raises InputError naming the file."""
    if not path.is_file():
        raise InputError(_told(path, "a folder, not a file." if path.is_dir() else "no such file.", remedy))
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise InputError(_told(path, "not readable as JSON: nested too deeply.", remedy)) from None
    except ValueError as error:
        raise InputError(_told(path, f"not readable as JSON: {str(error)[:120]}.", remedy)) from None


def read_mapping(path: Path, schema: type[BaseModel], remedy: str) -> dict[str, Any]:
    """Read a JSON object that holds what `schema` says, as it is stored. Raises InputError."""
    stored = read_json(path, remedy)
    require(stored, schema, path, remedy)
    return dict(stored)


def require(stored: Any, schema: type[BaseModel], path: Path, remedy: str = "", under: str = "") -> None:
    """Raises InputError unless what was read from `path` (there under the key `under`) is as `schema` says."""
    try:
        schema.model_validate_json(json.dumps(stored))  # as it is in the file: lists, where memory may hold tuples
    except RecursionError:
        raise InputError(_told(path, "damaged or edited: nested too deeply.", remedy)) from None
    except ValidationError as error:
        faults = error.errors(include_url=False)
        told = [_fault(one, under) for one in faults[:FAULTS_SHOWN]]
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise InputError(_told(path, f"damaged or edited: {'; '.join(told + more)}.", remedy)) from None


def read_table(path: Path, numbers: Iterable[str], remedy: str, texts: Iterable[str] = ()) -> "pd.DataFrame":
    """Read a CSV with at least these columns; `numbers` hold finite numbers or nothing. Raises InputError."""
    import numpy as np
    import pandas as pd

    if not path.is_file():
        raise InputError(_told(path, "a folder, not a file." if path.is_dir() else "no such file.", remedy))
    numbers, texts = list(numbers), list(texts)
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXT_COLUMNS, str), keep_default_na=False, na_values=[""])
        table = as_meant(table)
    except (ValueError, OverflowError) as error:  # of an empty file, of one that is no text, of rows of other lengths
        told = " ".join(str(error).split())[:120]
        raise InputError(_told(path, f"not readable as a table ({told}).", remedy)) from None
    missing = [name for name in (*numbers, *texts) if name not in table]
    if missing:
        raise InputError(_told(path, f"damaged or edited: column '{missing[0]}' is missing.", remedy))
    for name in numbers:
        known = table[name].dropna()
        if not pd.api.types.is_numeric_dtype(known) or not np.isfinite(known.astype(float)).all():
            raise InputError(_told(path, f"damaged or edited: column '{name}' holds what is no number.", remedy))
    return table


def read_arrays(path: Path, remedy: str) -> dict[str, "NDArray[Any]"]:
    """All arrays of an .npz, by name; never a pickle. Raises InputError."""
    import numpy as np

    with _reading(path, remedy), np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def read_array(path: Path, remedy: str) -> "NDArray[Any]":
    """The array of an .npy; never a pickle. Raises InputError."""
    import numpy as np

    with _reading(path, remedy):
        stored = np.load(path, allow_pickle=False)
        if not isinstance(stored, np.ndarray):
            raise ValueError("several arrays")
        return stored


@contextmanager
def understood(where: Path, remedy: str) -> Iterator[None]:
    """Around whatever tells stored results: what their schemas let through and still makes no sense is a fault of the files."""
    try:
        yield
    except (InputError, OSError, MemoryError):
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:100]}"
        raise InputError(_told(where, f"damaged, edited or of another version ({told}).", remedy)) from error


@contextmanager
def _reading(path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(_told(path, "no such file.", remedy)) from None
    except Exception as error:  # what a damaged file raises is of a dozen types
        told = (str(error).partition("\n")[0])[:120]
        raise InputError(_told(path, f"damaged: not readable as arrays ({told}).", remedy)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _fault(fault: Any, under: str) -> str:
    key = ".".join(str(part)[:SHOWN] for part in (under, *fault["loc"]) if part != "")
    what = "missing" if fault["type"] == "missing" else fault["msg"]
    return f"key '{key}': {what}" if key else str(what)


def _told(path: Path, what: str, remedy: str) -> str:
    return " ".join(filter(None, (f"{path}: {what}", remedy)))
