"""report.json -> one HTML page: charts, pictures and words put into the template."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from xgaze.report import figures, format, words
from xgaze.report.images import attribution_grids

TEMPLATES = "templates"


def render_page(report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> str:
    """The whole page. The same report gives the same bytes; it loads nothing and its one script is named by its hash."""
    environment = Environment(
        loader=PackageLoader("xgaze.report", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        number=format.number,
        count=format.count,
        times=format.times,
        size=format.size,
        percent=format.percent,
        percent_interval=format.percent_interval,
        score=format.score,
        interval=format.interval,
        tiny=format.tiny,
        point=format.point,
    )
    script = _resource("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        report=report,
        words=words.summary(report),
        charts={name: Markup(svg) for name, svg in _charts(report).items()},
        grids=_grids(report, maps),
        style=Markup(_resource("page.css")),
        script=Markup(script),
        script_hash=digest,
        embedded=Markup(_embedded(report)),
    )


def _charts(report: dict[str, Any]) -> dict[str, str]:
    gaze = report["task"] == "gaze"
    charts = {}
    if report["per_participant"]:
        what = "mean error, px" if gaze else "right answers, %"
        charts["people"] = figures.participants_figure(report["per_participant"], what)
    if report["candidates"]:
        charts["frontier"] = figures.candidates_figure(report["candidates"], report["budget_percent"])
    if report["capacity"]:
        charts["spectrum"] = figures.spectrum_figure(report["capacity"])
    if report["sweep"]:
        charts["sweep"] = figures.sweep_figure(report["sweep"], report["scene"])
    if report["regions"]:
        charts["regions"] = figures.regions_figure(report["regions"], report["attribution"]["targets"][-1])
    return charts


def _grids(report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    if not report["attribution"]:
        return []
    return attribution_grids(report["attribution"], [one["name"] for one in report["inputs"]], maps)


def _embedded(report: dict[str, Any]) -> str:
    """The report as JSON inside a script element of type application/json; "<" would end the element."""
    return json.dumps(report, default=_plain, separators=(",", ":")).replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"report.json holds a {type(value).__name__}")


def _resource(name: str) -> str:
    return (resources.files("xgaze.report") / TEMPLATES / name).read_text(encoding="utf-8")
