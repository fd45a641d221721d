"""The page: complete, closed, deterministic, and true to report.json."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from xgaze.report.drawing.images import SAMPLES_SHOWN
from xgaze.report.page.folder import rebuild, write_report
from xgaze.report.page.model_card import model_card
from xgaze.report.page.page import MOST_ROWS, render_page, sections_of
from xgaze.report.section import with_every_key
from xgaze.report.sections.at_a_glance import summary

OPTIONAL = ("methods", "agreement", "anatomy", "human", "layers", "embedding", "sweep_mean", "decision")
HOSTILE = ["<script>alert(1)</script>", "\"quotes' & <b>", "x" * 200, "\u202eright to left", "</script><img src=x>"]


class Elements(HTMLParser):
    """All tags with their attributes, and the text of tables."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module", params=["gaze", "class"])
def shown(request, rich_of):
    """(report, its page), with everything that can be there."""
    report, maps = rich_of(request.param)
    return report, render_page(report, maps)


def test_nothing_is_loaded_and_the_policy_names_our_style_and_script_by_hash(shown):
    _, page = shown
    elements = Elements(page).tags
    for tag, attributes in elements:
        assert tag not in ("link", "iframe", "object", "base")
        for name in ("src", "href", "xlink:href", "action"):
            assert attributes.get(name, "data:").startswith(("data:", "#")), (tag, attributes)
    policy = next(a["content"] for t, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL).group(1)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    assert not any("style" in attributes for _, attributes in elements)  # the policy would drop it
    assert page.count("<style") == 1


def test_every_figure_is_an_image_with_title_and_description_and_ids_are_unique(shown):
    report, page = shown
    elements = Elements(page).tags
    charts = [a for t, a in elements if t == "svg"]
    assert len(charts) == (26 if report["task"] == "gaze" else 23)  # classes: no regions, eccentricity and radii
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert chart["role"] == "img"
        assert set(chart["aria-labelledby"].split()) <= set(ids)
    assert all(a.get("alt") for t, a in elements if t == "img")


def test_every_figure_has_its_numbers_in_a_table_and_every_section_a_link(shown):
    report, page = shown
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    alone = {re.search(r"<strong>(.*?)</strong>", one).group(1) for one in figures if "<table" not in one}
    told = ("bytes lie", "parameters and time go")
    layers = {f"Where the {model}&#39;s {what}" for model in ("teacher", "student") for what in told}
    assert alone == {"Students tried on validation participants"} | layers  # their tables stand below them
    assert page.count('aria-label="Students tried"') == page.count('aria-label="Layers"') == 1
    linked = re.findall(r'<a href="#([a-z]+)">', page)
    assert linked == [one.name for one in sections_of(with_every_key(report))]
    assert sorted(linked, key=lambda name: page.index(f'id="{name}"')) == linked  # both in reading order


def test_drawings_are_well_formed_and_take_their_colours_from_the_page(shown):
    _, page = shown
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)  # a doubled attribute would be an error
        assert "currentColor" in svg and "#0072b2" not in svg and "#010203" not in svg


def test_the_same_report_gives_the_same_bytes(tmp_path, rich_of):
    first, second = (write_report(tmp_path / name, *rich_of("gaze")) for name in ("a", "b"))
    names = {one.name for one in first.parent.iterdir()}
    assert {"index.html", "report.json", "maps.npz", "per_participant.csv", "agreement.csv", "refit.csv"} <= names
    for name in names:
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()
    before = first.read_bytes()
    first.unlink()
    assert rebuild(first.parent).read_bytes() == before
    assert len(before) < 1_000_000


def test_hostile_names_are_shown_as_text(gaze_run, undrawn):
    report, maps = gaze_run
    plain = render_page(report, maps)
    for row, name in zip(report["per_participant"], HOSTILE, strict=False):
        row["group"] = name
    report["attribution"]["samples"][0]["id"] = report["sweep"]["sample_id"] = HOSTILE[0]
    report["recipe"]["name"] = report["surgeries"][0]["layer"] = report["capacity"]["layer"] = HOSTILE[4]
    hostile = render_page(report, maps)
    assert [t for t, _ in Elements(plain).tags] == [t for t, _ in Elements(hostile).tags]
    assert "<script>alert" not in hostile and hostile.count("</script>") == 2


def test_names_that_look_like_mathematics_are_drawn_as_text(gaze_run):
    report, maps = gaze_run
    for row in report["regions"]:
        row["region"] = "$\\frac{1$" if row["region"] == "pupil" else "<&>"
    assert "$\\frac{1$" in render_page(report, maps)


def embedded_in(page):
    return json.loads(
        re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL).group(1)
    )


def test_the_embedded_json_is_the_report(shown):
    report, page = shown
    assert_alike(embedded_in(page), json.loads(json.dumps(report)))


def test_of_long_lists_the_page_embeds_nothing(gaze_run, undrawn):
    report, maps = gaze_run
    row = report["per_participant"][0]
    for rows, kept in ((MOST_ROWS, MOST_ROWS), (MOST_ROWS + 1, None)):
        page = render_page({**report, "per_participant": [row] * rows}, maps)
        found = embedded_in(page)["per_participant"]
        assert (found if found is None else len(found)) == kept


def test_numbers_on_the_page_are_those_of_the_report(gaze_run, undrawn):
    page = render_page(*gaze_run)
    figures = (
        "31.2\u00a0px",
        "794,946",
        "37,854",
        "21\u00d7",
        "+1.2\u00a0%",
        "not met by the upper bound",
        "242.3\u00a0px",
    )
    for shown in figures:
        assert shown in page
    assert not re.search(r">\s*(nan|None|inf)\b", page)


@pytest.mark.parametrize("missing", ["student", "sweep", "attribution", "regions", "capacity"])
def test_what_is_not_there_yet_is_left_out_and_named(run, missing, undrawn):
    report, maps = run
    report[missing] = None
    if missing == "attribution":
        report["regions"] = None
    if missing == "student":
        report.update(candidates=[], surgeries=[], control=None, difference_percent=None, capacity=None)
        report["teacher_tuning_gain_percent"] = report["latency_ratio"] = None
        for row in report["per_participant"]:
            row.update(student=None, difference=None)
        for one in report["attribution"]["samples"]:
            for key in ("completeness_percent", "share_percent", "explained"):
                one[key].pop("student")
            one.pop("student_prediction")
    page = render_page(report, maps)
    assert not re.search(r">\s*None\b", page)
    ids = {a.get("id") for _, a in Elements(page).tags}
    gone = {"student": "search", "attribution": "attribution", "capacity": "capacity", "sweep": "embedding"}
    assert gone.get(missing, "anatomy") not in ids
    if missing in ("student", "capacity"):
        assert "xgaze distill" in page
    if missing in ("sweep", "attribution"):
        assert "<code>xgaze explain</code>" in page


def test_a_student_without_onnx_and_of_whole_rank_is_told_as_one(gaze_run, undrawn):
    report, maps = gaze_run
    for role in ("teacher", "student"):
        report[role] |= {"latency_ms": None, "onnx_bytes": None, "onnx_parity": None}
    report |= {"latency_ratio": None, "int8_file_reduction": None}
    report["capacity"] |= {"chosen_rank": None, "chosen_terms": None}
    page, card = render_page(report, maps), model_card(report)
    assert "Its time was not measured" in page and "the student keeps all of them" in page
    assert "there is no ONNX file of it" in card and "| not measured | not measured |" in card
    assert not re.search(r">\s*None\b", page + card)


def test_every_part_of_an_explanation_may_be_absent_alone_and_leaves_no_empty_section(rich_of, undrawn, tables_of):
    whole, maps = rich_of("gaze")
    for key in OPTIONAL:
        report = {**whole, key: None}
        shown = {one.name for one in sections_of(with_every_key(report))}
        assert shown <= {one.name for one in sections_of(with_every_key(whole))}
        assert set(tables_of(report)) < set(tables_of(whole)) or key == "decision"
    page = render_page({key: one for key, one in whole.items() if key not in OPTIONAL}, maps)  # of an older version
    assert 'id="agreement"' not in page and 'id="methods"' not in page and "Recommendation" not in page


def test_the_decision_is_set_off_and_tables_tell_the_intervals(shown):
    report, page = shown
    assert f"<strong>Recommendation.</strong> {report['decision']}" in page.replace("\u00a0", " ")
    assert "0.58 (0.54 to 0.62)" in page and "177.4\u00a0% of the output change is not attributed" in page
    assert not re.search(r">\s*(nan|None|inf)\b", page)


def test_rendered_data_is_called_rendered(run, undrawn):
    page, words = render_page(*run), dict(summary(run[0]))
    assert ("computer graphics" in page) == run[0]["rendered"]
    assert ("rendered, not recorded" in words["Trained on whom?"]) == run[0]["rendered"]


@pytest.mark.parametrize(
    ("mean", "high", "met", "told"),
    [
        (0.5, 1.9, True, "is met, by the upper end"),
        (0.5, 2.9, False, "but not by the upper end"),
        (4.0, 6.0, False, "is not met; this is the student that comes nearest"),
    ],
)
def test_the_verdict_is_plain(gaze_run, mean, high, met, told):
    report, _ = gaze_run
    report.update(difference_percent={"mean": mean, "low": -1.0, "high": high}, budget_met=met)
    assert told in dict(summary(report))["What was lost?"]


def test_a_page_without_ends_says_not_defined_and_never_that_a_budget_holds(gaze_run):
    report, maps = gaze_run
    nothing = {"low": None, "high": None}
    report["difference_percent"] |= nothing
    report.update(budget_met=False, worse_unit="points")
    for error in (report["teacher"]["error"], report["student"]["error"], report["control"]["error"]):
        error |= nothing
    for row in report["candidates"]:
        row["difference_percent"] |= nothing
    page = render_page(report, maps).replace("\u00a0", " ")
    assert "budget 2 points" in page and "not met: no upper bound is defined" in page
    assert "95 % interval not defined" in page and "lost, paired within people (not defined)" in page
    assert "+1.2 points against the teacher given the same extra tuning (95 % interval over people: not defined" in page
    assert "Whether the budget of 2 points is met cannot be told" in page
    assert not re.search(r">\s*(nan|None|inf)\b", page) and "budget 2 %" not in page
    assert "2 points, not met: no upper bound is defined" in model_card(report)


def test_incomplete_attributions_and_few_people_are_told(gaze_run):
    report, _ = gaze_run
    report["attribution"]["samples"][0]["completeness_percent"]["student"]["error"] = 12.0
    report["participants"]["test"] = 5
    told = dict(summary(report))["Can I trust it?"]
    assert "1 of the 4 attributions leave more than 5 % of the output change unexplained (up to 12.0 %)" in told
    assert "NOT complete" in told and "only 5 test people" in told


def test_the_first_screen_tells_where_they_look_and_whether_for_the_same_reasons(rich_of):
    report, _ = rich_of("gaze")
    told = dict(summary(report))
    assert (
        "Blanking the pupil moves the teacher's prediction furthest, by 40.3 px; 31.0 %"
        in told["What do they look at?"]
    )
    assert "0.58 (an untrained student reaches 0.01, a second teacher 0.71)" in told["For the same reasons?"]
    assert "Refused after checks on these models: DeepLift." in told["Can I trust it?"]
    assert "3.9 % of the width of a scene" in told["How good?"] and "always guessing the average" in told["How good?"]


def test_only_so_many_samples_are_shown_and_the_page_says_so(gaze_run, undrawn):
    report, maps = gaze_run
    first = report["attribution"]["samples"][0]
    report["attribution"]["samples"] = [first] * (SAMPLES_SHOWN + 3)
    more = {f"{k}{name[1:]}": one for k in range(SAMPLES_SHOWN) for name, one in maps.items()}
    assert "3 more samples were explained" in render_page(report, more)


def assert_alike(found, expected):
    """Equal, numbers to 6 digits; long lists are left out."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, one in expected.items():
            assert_alike(found[key], one)
    elif isinstance(expected, list) and len(expected) > MOST_ROWS:
        assert found is None
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for here, there in zip(found, expected, strict=True):
            assert_alike(here, there)
    else:
        assert found == (pytest.approx(expected, rel=1e-5) if isinstance(expected, float) else expected)
