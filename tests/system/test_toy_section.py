"""A section of the report registered from outside the package: read, told, drawn and written like the others, no list edited."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from xgaze.report.drawing.svg import BLUE, chart
from xgaze.report.drawing.tables import table, value
from xgaze.report.section import SECTIONS, Section, rows_at
from xgaze.stored import Stored, read_mapping

BLINKS = Path("checkpoints/toy/teacher/blinks.json")
COUNTED = {"rows": [{"participant": "P1", "per_minute": 12.5}, {"participant": "P2", "per_minute": 20.0}]}


class Blink(Stored):
    participant: str
    per_minute: float


class Blinks(Stored):
    rows: list[Blink]


def gather(run):
    file = run.folder / "teacher" / "blinks.json"
    return {"blinks": read_mapping(file, Blinks, "Count again.") if file.is_file() else None}


def drawn(report: dict[str, Any]):
    rates = [one["per_minute"] for one in report["blinks"]["rows"]]
    return {"rate": chart("rate", "Blinks", "Per minute.", lambda figure: figure.subplots().plot(rates, color=BLUE))}


def listed(report: dict[str, Any]):
    rows = [(one["participant"], value(one["per_minute"])) for one in report["blinks"]["rows"]]
    return {"rate": table("Blink rates", ("participant", "per minute"), rows)}


TOY = Section(
    name="blinks",
    place=45,
    label="How often people blink",
    reads={"blinks": Blinks | None},
    gather=gather,
    words=lambda report: [f"{len(report['blinks']['rows'])} people were counted & none <slept>."],
    charts=drawn,
    tables=listed,
    csv={"blinks": rows_at("blinks", "rows")},
    answers=lambda report: [("Do they blink?", "They do.")] if report.get("blinks") else [],
    awaits=lambda report: [] if report["blinks"] else [("a count of blinks", "explain")],
)


@pytest.fixture
def trained(run, toy_recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SECTIONS, "_registered", {})
    toy_recipe()
    assert run("train-teacher", "toy.yaml").code == 0


def test_a_section_from_outside_is_one_of_the_page(trained, run):
    SECTIONS.register(TOY)
    assert run("report", "toy.yaml").code == 0
    page = Path("reports/toy/index.html").read_text()
    assert 'id="blinks"' not in page and "a count of blinks (<code>xgaze explain toy.yaml</code>)" in page

    BLINKS.write_text(json.dumps(COUNTED))
    assert run("report", "toy.yaml").code == 0
    page = Path("reports/toy/index.html").read_text()
    linked = re.findall(r'<a href="#([a-z]+)">', page)
    assert linked[linked.index("blinks") - 1 :][:2] == ["frame", "blinks"] and "provenance" in linked[-1]
    assert page.index('id="people"') < page.index('id="blinks"') < page.index('id="provenance"')
    assert "2 people were counted &amp; none &lt;slept&gt;." in page and "<dt>Do they blink?</dt>" in page
    assert 'id="rate-title"' in page and 'aria-label="Blink rates"' in page and "a count of blinks" not in page
    with Path("reports/toy/blinks.csv").open() as file:
        assert [float(row["per_minute"]) for row in csv.DictReader(file)] == [12.5, 20.0]
    assert json.loads(Path("reports/toy/report.json").read_text())["blinks"] == COUNTED
    assert "blinks" in json.loads(Path("reports/toy/report.schema.json").read_text())["properties"]


def test_what_it_reads_is_checked_like_all_else_and_without_it_nothing_is_left(trained, run):
    BLINKS.write_text('{"rows": [{"participant": "P1", "per_minute": "often"}]}')
    assert run("report", "toy.yaml").code == 0  # nobody reads it
    SECTIONS.register(TOY)
    ended = run("report", "toy.yaml")
    assert ended.code == 2 and "blinks.json" in ended.err and "rows.0.per_minute" in ended.err
    assert "Blink rates" not in Path("reports/toy/index.html").read_text()
