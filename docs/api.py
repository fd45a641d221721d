"""Writes docs/api.md from the docstrings of what `import xgaze` offers: `python docs/api.py`. With --check: is it up to date?"""

import argparse
import dataclasses
import inspect
import re
import sys
from pathlib import Path

import xgaze
from xgaze.api.calibrating import Calibration
from xgaze.api.compressing import Compressed
from xgaze.api.cross_validating import CrossValidation
from xgaze.api.inspecting import Features
from xgaze.api.opening import OpenRecording
from xgaze.api.outcomes import Distilled, Explanation, Figure, Teacher
from xgaze.api.own_data.checking import Soundness
from xgaze.api.predicting import Predictions
from xgaze.api.scoring_maps import Saliency
from xgaze.api.stored_model import StoredModel

PAGE = Path(__file__).parent / "api.md"
RETURNED = (
    *(OpenRecording, Teacher, Distilled, StoredModel, Compressed, Explanation, Calibration),
    *(Soundness, CrossValidation, Saliency, Predictions, Features, Figure),
)
INTRODUCTION = """# The Python API

`import xgaze` is all that is needed; it imports nothing heavy before something is used. What the functions return shows its
figures as text, and in a notebook as a table. Bad input raises `xgaze.errors.InputError`: one clear sentence.
[The tutorial](tutorial.py) is a script with cells that does all of it in a minute.

This page is written from the docstrings by `python docs/api.py`.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="Exit with 1 if the page is not what the docstrings say.")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.name} is stale: run `python docs/api.py`.")


def page() -> str:
    """The whole page."""
    offered = [_part(f"xgaze.{name}", getattr(xgaze, name)) for name in xgaze.OFFERED]
    returned = [_class(one) for one in RETURNED]
    return "\n".join([INTRODUCTION, "## What it offers", "", *offered, "## What they return", "", *returned])


def _part(name: str, thing: object) -> str:
    return f"### {name}\n\n```python\n{name}({_parameters(thing)})\n```\n\n{_words(thing)}\n"


def _class(kind: type) -> str:
    """A class, with its properties, fields and methods that have a docstring of their own."""
    lines = [f"### {kind.__name__}\n\n{_words(kind)}\n"]
    fields = (
        [one.name for one in dataclasses.fields(kind) if one.name != "run"] if dataclasses.is_dataclass(kind) else []
    )
    if fields:
        lines.append(f"Fields: {', '.join(f'`{one}`' for one in fields)}.\n")
    for name, one in vars(kind).items():
        if name.startswith("_") or name in ("title", "rows", "forward", "to_json") or isinstance(one, classmethod):
            continue
        if isinstance(one, property):
            lines.append(f"- `.{name}`: {_line(one)}")
        elif inspect.isfunction(one):
            lines.append(f"- `.{name}({_parameters(one)})`: {_line(one)}")
    return "\n".join(lines).rstrip() + "\n"


def _parameters(thing: object) -> str:
    """Names and defaults, as a call shows them."""
    told = []
    for one in inspect.signature(thing).parameters.values():  # type: ignore[arg-type]
        if one.name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and "*" not in told:
            told.append("*")
        star = "**" if one.kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f"={_default(one.default)}"
        told.append(f"{star}{one.name}{default}")
    return ", ".join(told)


def _default(value: object) -> str:
    return repr(str(value)) if isinstance(value, Path) else repr(value)


def _words(thing: object) -> str:
    """The docstring, whose lines that begin with `word:` are items of a list."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    return "\n".join(re.sub(r"^(\w+(?:, \w+)*): ", r"- **\1**: ", line) for line in lines)


def _line(thing: object) -> str:
    return " ".join((inspect.getdoc(thing) or "").split())


if __name__ == "__main__":
    main()
