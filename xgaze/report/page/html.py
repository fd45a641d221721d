"""Templates to closed HTML files: they load nothing, and their one style and one script are named by their hashes."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from xgaze.report import claims
from xgaze.report.drawing import format

TEMPLATES = "templates"
SHOWN_AS = (
    "changed",
    "count",
    "general",
    "interval",
    "number",
    "percent",
    "percent_interval",
    "point",
    "score",
    "span",
    "spread",
    "times",
    "tiny",
    "worse_unit",
)


def render(template: str, scripts: Iterable[Path] = (), styles: Iterable[Path] = (), **context: Any) -> str:
    """The whole file. The same context gives the same bytes; `svg` of charts and the embedded JSON are trusted. scripts, styles:
    what comes after the page's own, as part of its one script and its one style."""
    style, script = _together("page.css", styles), _together("page.js", scripts)
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),
            script=Markup(script),
            style_hash=_digest(style),
            script_hash=_digest(script),
            **context,
        )
    )


def fragment(template: str, **context: Any) -> Markup:
    """A part of a file, from the text of its template; `parts` holds the macros for tables, figures and the rest."""
    environment = _environment()
    parts = environment.get_template("parts.html").module
    return Markup(environment.from_string(template).render(parts=parts, **context))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("xgaze.report", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_with_its_unit,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update({name: getattr(format, name) for name in SHOWN_AS})
    environment.globals.update(budget_in_words=claims.budget_in_words, once_calibrated=claims.once_calibrated)
    environment.filters.update(trusted=Markup, commands=with_commands)
    return environment


def with_commands(text: str) -> Markup:
    """Text, escaped, in which what stands between backticks is a command."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(_with_its_unit(text)))))


def embedded(stored: Any, most_rows: int | None = None) -> Markup:
    """JSON for a script element of type application/json; "<" would end the element. Numbers are cut to 6 digits. Of lists longer
    than `most_rows` nothing is left, where files beside the page hold them."""
    text = json.dumps(_plain(stored, most_rows), separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _with_its_unit(value: Any) -> Any:
    """A line of text must not break between a number and its unit."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return re.sub(r"(?<=\d) (?=(?:%|px|ms|kB|MB)(?!\w))", "\u00a0", value)


def _plain(value: Any, most_rows: int | None = None) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one, most_rows) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, most_rows) for one in value] if most_rows is None or len(value) <= most_rows else None
    if isinstance(value, np.generic):
        return _plain(value.item())
    return float(f"{value:.6g}") if isinstance(value, float) else value


def resource(name: str) -> str:
    """The text of a template, of the style or of the script."""
    return (resources.files("xgaze.report") / TEMPLATES / name).read_text(encoding="utf-8")


def _together(own: str, more: Iterable[Path]) -> str:
    return "".join([resource(own), *(one.read_text(encoding="utf-8") for one in dict.fromkeys(more))])


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
