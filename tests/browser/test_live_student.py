"""The student alive in the page: by mouse, by keyboard, without scripts, in both colour schemes and on a telephone."""

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
from xgaze.report.page import page as page_module
from xgaze.report.page.page import render_page
from xgaze.report.sections.live_student import kernels_known

HERE = Path(__file__).parent
SYNTHETIC = runpy.run_path(str(HERE.parent / "report" / "conftest.py"))
NETS = runpy.run_path(str(HERE.parent / "compression" / "live" / "nets.py"))
WAIT = "#live-checked[data-checked]"
MIDDLE_ROW = "[...document.querySelector('.camera canvas').getContext('2d').getImageData(0, 20, 40, 1).data]"
EYE = InputSpec("eye0", (1, 40, 40), 40.0, 60.0)


@pytest.fixture(scope="module")
def student(gaze_recording, tmp_path_factory):
    """(net, live, maps) of a student on two people of 24 frames each."""
    torch.manual_seed(0)
    folder, net = tmp_path_factory.mktemp("student"), NETS["LowRank"](2, 3).eval()
    spec = replace(gaze_recording.spec, rendered=True)
    people = np.where(np.arange(len(gaze_recording.table)) % 2, "A", "<b>B</b>")
    tested = gaze_recording.table["split"] == "test"
    recording = replace(
        gaze_recording,
        spec=spec,
        table=gaze_recording.table.assign(group=np.where(tested, people, gaze_recording.table["group"])),
    )
    export_onnx(net, spec, folder / "model.onnx")
    live, maps = live_student(folder, recording, {"teacher": net, "student": net}, kernels_known())
    live = json.loads(json.dumps(live))
    for one in live["samples"]:
        one["teacher"] = [one["teacher"][0] + 30, one["teacher"][1]]
    return net, live, maps


@pytest.fixture(scope="module")
def file(student, tmp_path_factory):
    _, live, maps = student
    report, own = SYNTHETIC["make"]("gaze")
    file = tmp_path_factory.mktemp("report") / "index.html"
    file.write_text(render_page({**report, "live": live}, {**own, **maps}))
    return file


@pytest.fixture
def page(visit, file):
    page = visit(file)
    page.locator(WAIT).wait_for()
    yield page
    assert page.complaints == []
    assert [url for url in page.requests_made if not url.startswith("data:")] == [file.as_uri()]


def point_of(page, row=0):
    page.wait_for_timeout(400)  # the form that is not chosen follows a quarter of a second later
    cells = page.locator("#live-figures tr").nth(row).locator("td")
    return [float(one.replace("\u2212", "-")) for one in cells.all_inner_texts()[:2]]


def picture_of(page):
    return page.evaluate("document.querySelector('.camera canvas').toDataURL()")


def test_it_predicts_what_torch_does(page, student):
    net, live, maps = student
    assert page.locator(WAIT).get_attribute("data-checked") == "true"
    stored = [maps[f"live/input/{name}"] for name in ("eye0", "eye1")]
    for k in (0, 5, 11):
        page.locator("#live-samples label").nth(k).click()
        eyes = [normalise(one[k : k + 1], EYE) for one in stored]
        with torch.no_grad():
            expected = net(*eyes)[0].tolist()
        assert point_of(page) == pytest.approx(expected, abs=0.051)  # shown with one digit
        assert point_of(page, 1) == pytest.approx(live["samples"][k]["int8"], abs=0.051)
        assert point_of(page, 2) == pytest.approx(live["samples"][k]["teacher"], abs=0.051)
        assert point_of(page, 3) == pytest.approx(live["samples"][k]["truth"], abs=0.051)


def test_the_mouse_paints_and_the_point_moves(page):
    before, picture = point_of(page), picture_of(page)
    page.locator(".camera").first.scroll_into_view_if_needed()
    box = page.locator(".camera").first.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    after = point_of(page)
    assert np.hypot(*np.subtract(after, before)) > 1 and picture != picture_of(page)
    assert page.evaluate(MIDDLE_ROW)[4 * 12 : 4 * 28 : 4] == [40] * 16  # the mean grey of this recording
    page.get_by_role("button", name="Restore the pictures").click()
    assert point_of(page) == before and picture_of(page) == picture


@pytest.mark.parametrize("kind", ["blank", "blur", "shift"])
def test_arrows_move_the_brush_and_enter_stamps(page, kind):
    before, picture = point_of(page), picture_of(page)
    page.locator(f"input[value={kind}]").check()
    camera = page.locator(".camera").first
    camera.focus()
    x = float(camera.locator("circle").first.get_attribute("cx"))
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert float(camera.locator("circle").first.get_attribute("cx")) == x + 3
    assert picture_of(page) == picture
    page.keyboard.press("Enter")
    assert picture_of(page) != picture and point_of(page) != before


def test_a_slider_walks_along_a_direction_and_back(page, student):
    before = [point_of(page, row) for row in (0, 1)]
    slider = page.locator("#live-sliders input").first
    assert page.locator("#live-sliders input").count() == 3
    slider.focus()
    page.keyboard.press("End")  # three standard deviations
    after = [point_of(page, row) for row in (0, 1)]
    moved = np.linalg.norm(np.subtract(after, before), axis=1)
    assert moved.min() > 0.3 * student[1]["embedding"]["moves"][0] > 0.05 and abs(moved[0] - moved[1]) < 0.5 * moved[0]
    assert len(page.locator("#live-scene .path").get_attribute("points").split()) == 13
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    assert [point_of(page, row) for row in (0, 1)] == before


def test_the_switch_changes_who_predicts(page, student):
    sample = student[1]["samples"][0]
    for form, words in (("int8", "Student in 8 bits"), ("teacher", "Teacher"), ("float", "Student:")):
        page.locator(f"input[name=live-model][value={form}]").check()
        assert page.locator("#live-point").inner_text().startswith(words)
        mark = page.locator(f"#live-scene circle.{form}")
        found = [float(mark.get_attribute(name)) for name in ("cx", "cy")]
        assert found == pytest.approx(sample[form], abs=0.01)


def test_points_calibrate_by_click_and_by_key(page, student):
    samples = student[1]["samples"][:8]
    predicted, truth = (np.array([one[key] for one in samples]) for key in ("float", "truth"))
    rings = page.locator("#live-scene .known")
    assert rings.count() == 8
    rings.nth(0).focus()
    page.keyboard.press("Enter")
    shift = truth[0] - predicted[0]
    mark = page.locator("#live-scene circle.float")
    assert [float(mark.get_attribute(name)) for name in ("cx", "cy")] == pytest.approx(truth[0], abs=0.01)
    after = np.linalg.norm(predicted[1:] + shift - truth[1:], axis=1).mean()
    assert f"on the other 7 frames {mean_off(predicted[1:], truth[1:])} px off become {after:.1f} px" in told(page)
    for k in (2, 4, 5, 7):
        rings.nth(k).dispatch_event("click")
    known = [0, 2, 4, 5, 7]
    left = [1, 3, 6]
    terms = np.column_stack([predicted, np.ones(8)])
    weights = np.linalg.lstsq(terms[known], truth[known], rcond=None)[0]
    after = np.linalg.norm(terms[left] @ weights - truth[left], axis=1).mean()
    assert f"5 points of <b>B</b>: on the other 3 frames {mean_off(predicted[left], truth[left])} px" in told(page)
    assert float(told(page).split()[-2]) == pytest.approx(after, abs=0.06)
    page.get_by_role("button", name="Forget the points").click()
    assert "No point of <b>B</b>" in told(page) and page.locator("#live-scene [aria-pressed=true]").count() == 0


def told(page):
    return page.locator("#live-calibrated").inner_text()


def mean_off(predicted, truth):
    return f"{np.linalg.norm(predicted - truth, axis=1).mean():.1f}"


@pytest.mark.parametrize(("scheme", "width_px"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_it_is_accessible_and_fits(visit, file, scheme, width_px):
    page = visit(file, scheme, width_px)
    page.locator(WAIT).wait_for()
    found = Axe().run(page)
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px


def test_without_scripts_nothing_of_it_is_seen(browser, file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert not page.locator("#live").is_visible() and not page.locator("a[href='#live']").is_visible()
    assert page.locator("#models").is_visible() and page.locator("a[href='#models']").is_visible()
    context.close()


def test_with_scripts_its_link_leads_there_and_it_is_not_printed(page):
    page.locator("a[href='#live']").click()
    assert page.locator("#live").is_visible()
    page.emulate_media(media="print")
    assert not page.locator("#live").is_visible()


def test_a_browser_that_decodes_other_numbers_is_told_not_to_be_trusted(visit, student, tmp_path):
    _, live, maps = student
    report, own = SYNTHETIC["make"]("gaze")
    other = json.loads(json.dumps(live))
    other["samples"][3]["float"][1] += 0.02
    file = tmp_path / "index.html"
    file.write_text(render_page({**report, "live": other}, {**own, **maps}))
    page = visit(file)
    page.locator(WAIT).wait_for()
    assert page.locator(WAIT).get_attribute("data-checked") == "false"
    assert "do not trust" in page.locator("#live-checked").inner_text()


def test_a_page_that_would_be_too_large_has_fewer_samples_and_then_says_why_none(
    visit, student, file, tmp_path, monkeypatch
):
    _, live, maps = student
    report, own = SYNTHETIC["make"]("gaze")
    size = len(file.read_bytes())
    other = tmp_path / "index.html"
    for samples in (8, 4):
        limit = size - 1
        monkeypatch.setattr(page_module, "MOST_BYTES", limit)
        other.write_text(render_page({**report, "live": live}, {**own, **maps}))
        size = len(other.read_bytes())
        assert size <= limit
        page = visit(other)
        page.locator(WAIT).wait_for()
        assert page.locator("#live-samples input").count() == samples
        assert page.locator(WAIT).get_attribute("data-checked") == "true"
    monkeypatch.setattr(page_module, "MOST_BYTES", 1000)
    text = render_page({**report, "live": live}, {**own, **maps})
    assert "larger than 1.5 MB" in text and "live-data" not in text and "Interpreter" not in text
