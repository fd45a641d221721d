"""Real pages in Debian's Chromium. Without it these tests fail: a report nobody has opened is not tested."""

import os
import runpy
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from xgaze.report.page.comparison import write_comparison
from xgaze.report.page.folder import write_report
from xgaze.report.page.index import write_index

CHROMIUM = "/usr/bin/chromium"
HOSTILE = [
    "<script>document.title='owned'</script>",
    "\"quotes' & <b>bold</b>",
    "x" * 200,
    "\u202eright to left",
    "مشارك",
]
SYNTHETIC = runpy.run_path(str(Path(__file__).parents[1] / "report" / "conftest.py"))


@pytest.fixture(scope="session")
def browser():
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def with_hostile_names(report):
    for row, name in zip(report["per_participant"], HOSTILE, strict=False):
        row["group"] = name
    report["attribution"]["samples"][0]["id"] = HOSTILE[0]
    report["sweep"]["sample_id"] = HOSTILE[2]
    return report


def pair(report):
    rows = [
        {"group": row["group"], "first": row["teacher"], "second": row["student"], "difference": 1.0}
        for row in report["per_participant"]
    ]
    ends = {"mean": 1.0, "low": 0.5, "high": 1.5}
    return {"unit": "px", "participants": len(rows), "difference": ends, "difference_percent": ends, "rows": rows}


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The pages by kind: a rich report of each task with hostile names, the list of runs, a comparison."""
    reports = tmp_path_factory.mktemp("reports")
    written = {}
    for task in ("gaze", "class"):
        report, maps = SYNTHETIC["make_rich"](task)
        written[task] = write_report(reports / task, with_hostile_names(report), maps)
    report = with_hostile_names(SYNTHETIC["make"]("gaze")[0])
    other = {**report, "recipe": {**report["recipe"], "name": HOSTILE[0]}}
    pairs = {"teacher": pair(report), "student": pair(report)}
    written["compare"] = write_comparison(reports / "compare-a-b.html", (report, other), pairs)
    written["index"] = write_index(reports)
    return written


@pytest.fixture
def visit(browser):
    """(page file, colour scheme, width in px) -> an open page, with its requests and complaints noted."""
    contexts = []

    def go(file, scheme="light", width_px=1280):
        context = browser.new_context(viewport={"width": width_px, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.requests_made, page.complaints = [], []
        page.on("request", lambda request: page.requests_made.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
