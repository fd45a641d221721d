"""The student of a class and of a value alive in the page: what it predicts, by brush, sliders and switch."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from xgaze.compression.export.onnx import export_onnx
from xgaze.compression.live.live_student import live_student
from xgaze.data.contract import InputSpec, normalise
from xgaze.models.layers import OutputScale
from xgaze.report.page.page import render_page
from xgaze.report.sections.live_student import kernels_known

HERE = Path(__file__).parent
SYNTHETIC = runpy.run_path(str(HERE.parent / "report" / "conftest.py"))
NETS = runpy.run_path(str(HERE.parent / "compression" / "live" / "nets.py"))
WAIT = "#live-checked[data-checked]"
EYE = InputSpec("eye0", (1, 40, 40), 40.0, 60.0)
CLASSES = ("<b>left</b>", "right")


@pytest.fixture(scope="module", params=["class", "value"])
def made(request, class_recording, tmp_path_factory):
    """(kind, net, live, maps, page file)."""
    torch.manual_seed(0)
    kind, folder = request.param, tmp_path_factory.mktemp("student")
    net = NETS["Plain"](1, 3, 2 if kind == "class" else 1).eval()
    spec = replace(class_recording.spec, rendered=True, classes=CLASSES)
    table = class_recording.table
    if kind == "value":
        spec = replace(spec, kind="value", unit="ms", classes=())
        table = table.assign(value=np.where(table["label"] == 1, 50.0, -25.0))
        net.last = OutputScale(300)
    export_onnx(net, spec, folder / "model.onnx")
    recording = replace(class_recording, spec=spec, table=table)
    live, maps = live_student(folder, recording, {"teacher": net, "student": net}, kernels_known())
    live = json.loads(json.dumps(live))
    for one in live["samples"]:
        one["teacher"] = [one["teacher"][0] + 1, *one["teacher"][1:]]
    report, own = SYNTHETIC["make"]("class")
    file = folder / "index.html"
    file.write_text(render_page({**report, "task": kind, "classes": list(spec.classes), "live": live}, {**own, **maps}))
    return kind, net, live, maps, file


@pytest.fixture
def page(visit, made):
    page = visit(made[-1])
    page.locator(WAIT).wait_for()
    yield page
    assert page.complaints == []
    assert [url for url in page.requests_made if not url.startswith("data:")] == [made[-1].as_uri()]


def figures_of(page, row=0):
    page.wait_for_timeout(400)  # the form that is not chosen follows a quarter of a second later
    return [
        one.replace("\u2212", "-") for one in page.locator("#live-figures tr").nth(row).locator("td").all_inner_texts()
    ]


def expected_of(kind, outputs, truth):
    """The row of the table for these outputs."""
    if kind == "value":
        return [f"{outputs[0]:.1f}", f"{abs(outputs[0] - truth[0]):.1f}"]
    sure = 100 * np.exp(outputs) / np.exp(outputs).sum()
    return [CLASSES[int(np.argmax(sure))], f"{sure.max():.1f}", f"{sure[int(truth[0])]:.1f}"]


def test_it_predicts_what_torch_does_in_every_form(page, made):
    kind, net, live, maps, _ = made
    assert page.locator(WAIT).get_attribute("data-checked") == "true"
    for k in (0, 5, 11):
        page.locator("#live-samples label").nth(k).click()
        sample = live["samples"][k]
        with torch.no_grad():
            found = net(normalise(maps["live/input/eye0"][k : k + 1], EYE))[0].numpy()
        rows = (found, np.array(sample["int8"]), np.array(sample["teacher"]))
        for row, outputs in enumerate(rows):
            assert figures_of(page, row) == expected_of(kind, outputs, sample["truth"])
    for form, words in (("int8", "Student in 8 bits"), ("teacher", "Teacher"), ("float", "Student:")):
        page.locator(f"input[name=live-model][value={form}]").check()
        told = page.locator("#live-point").inner_text()
        assert told.startswith(words)
        assert ("sure, which is" if kind == "class" else "ms off.") in told


def test_what_is_drawn_is_what_is_told(page, made):
    kind, _, live, *_ = made
    sample = live["samples"][0]
    if kind == "value":
        places = {
            k: float(page.locator(f"#live-scene circle.{k}").get_attribute("cx")) for k in ("float", "teacher", "int8")
        }
        values = {k: sample[k][0] for k in places}
        assert sorted(places, key=places.get) == sorted(values, key=values.get)
        return
    sure = np.exp(sample["float"]) / np.exp(sample["float"]).sum()
    widths = [float(one.get_attribute("width")) for one in page.locator("#live-scene rect.float").all()]
    assert widths == pytest.approx(sure * (400 - 140 - 64), abs=0.01)
    names = [one.text_content() for one in page.locator("#live-scene text").all()][::2]
    assert (
        names == list(CLASSES) and page.locator("#live-scene .right").text_content() == CLASSES[int(sample["truth"][0])]
    )


def test_brush_and_sliders_move_it_and_back(page, made):
    kind = made[0]
    told = page.locator("#live-point")
    before = told.inner_text()
    page.locator(".camera").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    assert told.inner_text() != before
    page.get_by_role("button", name="Restore the pictures").click()
    assert told.inner_text() == before
    page.locator("#live-sliders input").first.focus()
    page.keyboard.press("End")
    page.wait_for_timeout(100)
    assert told.inner_text() != before
    assert page.locator("#live-sliders b").first.inner_text().endswith("points" if kind == "class" else "ms")
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(100)
    assert told.inner_text() == before


@pytest.mark.parametrize(("scheme", "width_px"), [("light", 1280), ("dark", 390)])
def test_it_is_accessible_and_fits(visit, made, scheme, width_px):
    page = visit(made[-1], scheme, width_px)
    page.locator(WAIT).wait_for()
    found = Axe().run(page)
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
