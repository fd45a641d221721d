"""What a reader's browser makes of the pages: closed, quiet, accessible, sortable, printable, narrow, and safe."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from xgaze.report.page.pdf import print_pdf

KINDS = ["gaze", "class", "compare", "index"]
A4_TEXT_PX = 718  # 190 mm at 96 px per inch
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"


def told(results):
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in results.response["violations"]]


@pytest.mark.parametrize("kind", KINDS)
def test_one_request_and_no_complaint_even_with_everything_open(visit, pages, kind):
    page = visit(pages[kind])
    page.evaluate(OPEN_ALL)
    loaded = "[...document.images].every(one => one.complete && one.naturalWidth > 0)"
    assert page.evaluate(loaded)
    assert [url for url in page.requests_made if not url.startswith("data:")] == [pages[kind].as_uri()]
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(visit, pages, kind, scheme):
    page = visit(pages[kind], scheme)
    page.evaluate(OPEN_ALL)
    assert told(Axe().run(page)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_telephone_shows_the_page_without_sideways_scrolling(visit, pages, kind):
    page = visit(pages[kind], width_px=390)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert told(Axe().run(page)) == []


def test_light_and_dark_differ_and_drawings_follow(visit, pages):
    ink = "getComputedStyle(document.querySelector('svg text')).fill"
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = (visit(pages["gaze"], scheme) for scheme in ("light", "dark"))
    assert light.evaluate(paper) == "rgb(255, 255, 255)" != dark.evaluate(paper)
    mark = "getComputedStyle(document.querySelector('svg [fill=\"var(--c-teacher)\"]')).fill"
    assert light.evaluate(mark) == "rgb(0, 114, 178)" != dark.evaluate(mark)
    assert light.evaluate(ink) != dark.evaluate(ink)
    assert light.locator("svg[role=img]").count() == 25 and light.locator("svg[role=group]").count() == 1


def column(page, name, place):
    rows = page.get_by_role("group", name=name, exact=True).locator("tbody tr")
    return [row.locator("th, td").nth(place).inner_text() for row in rows.all()]


def test_a_table_is_sorted_from_the_keyboard_alone(visit, pages):
    page = visit(pages["gaze"])
    page.evaluate(OPEN_ALL)
    head = page.get_by_role("group", name="Every test participant", exact=True).get_by_role(
        "columnheader", name="teacher, px"
    )
    for key, order in (("Enter", "ascending"), ("Space", "descending")):
        head.get_by_role("button").focus()
        page.keyboard.press(key)
        assert head.get_attribute("aria-sort") == order
        found = [float(one) for one in column(page, "Every test participant", 2)]
        assert found == sorted(found, reverse=order == "descending") and len(found) == 20
    names = page.get_by_role("group", name="Every test participant", exact=True).get_by_role(
        "columnheader", name="participant"
    )
    assert names.get_attribute("aria-sort") == "none"


def test_intervals_and_shortened_numbers_are_sorted_by_value(visit, pages):
    page = visit(pages["gaze"])
    page.evaluate(OPEN_ALL)
    table = page.get_by_label("Layers", exact=True)
    table.get_by_role("button", name="parameters").click()
    found = [int(one.replace(",", "")) for one in column(page, "Layers", 3)]
    assert found == sorted(found) and found[0] < 1000 < found[-1]


def test_marks_of_the_frontier_tell_their_student_by_mouse_and_by_keyboard(visit, pages):
    page = visit(pages["gaze"])
    told, marks = page.locator(".told"), page.locator(".spots circle")
    assert told.inner_text().startswith("Point at a mark") and marks.count() == 3
    marks.nth(2).hover()
    assert told.inner_text() == (
        "rank 6, filters of 2 terms, head tuned, chosen: 376,000 parameters (3.2× fewer), 36,000 in fully connected layers; "
        "worse by +1.5 % (+1.3 % to +1.7 %)"
    )
    assert page.evaluate("document.querySelectorAll('.spots .on').length") == 1
    marks.nth(0).focus()
    assert told.inner_text().startswith("rank 3, no training: 358,000 parameters")
    for key, place in (
        ("ArrowRight", 1),
        ("End", 2),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        assert page.evaluate("[...document.activeElement.parentNode.children].indexOf(document.activeElement)") == place
        assert told.inner_text() == marks.nth(place).get_attribute("aria-label")
    assert page.locator(".spots [tabindex='0']").count() == 1


def test_a_mark_lies_over_what_was_drawn(visit, pages):
    page = visit(pages["gaze"])
    middle = "one => { const at = one.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2] }"
    over = page.locator(".spots circle").last.evaluate(middle)
    ring = page.locator("#search ~ figure svg use[stroke='var(--c-mark)']").first.evaluate(middle)
    assert abs(over[0] - ring[0]) < 1.5 and abs(over[1] - ring[1]) < 1.5


def test_a_long_table_is_filtered_and_says_how_many_rows_are_left(visit, pages):
    page = visit(pages["gaze"])
    page.evaluate(OPEN_ALL)
    asked = page.get_by_label("Filter Every test participant")
    shown = page.get_by_role("group", name="Every test participant", exact=True).locator("tbody tr:visible")
    asked.fill("p00001")
    count = asked.locator("xpath=following-sibling::span")
    assert shown.count() == 10 and count.inner_text() == "10 of 20 rows"
    asked.fill("P00001 12 31.0")
    assert shown.count() == 2 and count.inner_text() == "2 of 20 rows"
    asked.fill("")
    assert shown.count() == 20 and count.inner_text() == ""
    assert page.get_by_label("Filter Students tried").count() == 0  # short
    assert page.complaints == []


def test_tiles_of_the_treemap_say_what_they_are(visit, pages):
    page = visit(pages["gaze"])
    tile = page.locator("svg[aria-labelledby^=bytes-teacher] > g > title").first
    assert tile.text_content() == (
        "head.embedding (Linear): 3.15 MB, 77.8 %, 786,496 parameters; the student holds 5 % of it"
    )


def test_hostile_names_are_text(visit, pages):
    for kind in ("gaze", "compare"):
        page = visit(pages[kind])
        page.evaluate(OPEN_ALL)
        assert page.title() != "owned" and page.locator("bdi b, bdi script").count() == 0
        assert page.get_by_text("<script>document.title='owned'</script>").first.is_visible()
        assert page.get_by_text("x" * 200).first.is_visible()
        isolated = "[...document.querySelectorAll('bdi')].filter(one => one.textContent.includes('\\u202e')).length"
        assert page.evaluate(isolated) >= 1


def test_the_first_tab_leads_past_the_navigation(visit, pages):
    page = visit(pages["gaze"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_links_of_the_navigation_lead_to_their_sections(visit, pages):
    page = visit(pages["gaze"])
    for link in page.locator("nav a").all():
        link.click()
        shown = page.evaluate(
            "hash => { const top = document.querySelector(hash).getBoundingClientRect().top; return top > -1 && top < 900 }",
            link.get_attribute("href"),
        )
        assert shown, link.inner_text()


def test_the_page_prints_light_without_navigation(visit, pages, tmp_path):
    page = visit(pages["gaze"], "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    page.set_viewport_size({"width": A4_TEXT_PX, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_TEXT_PX
    copy = tmp_path / "index.html"
    copy.write_bytes(pages["gaze"].read_bytes())
    printed = print_pdf(copy).read_bytes()
    assert printed.startswith(b"%PDF-") and len(printed) > 20_000
    assert sorted(one.name for one in tmp_path.iterdir()) == ["index.html", "index.pdf"]
