"""report.json -> one HTML page: every section that has something to show, in reading order."""

from typing import Any

from markupsafe import Markup

from xgaze.progress import progress_bar
from xgaze.report.page.html import embedded, fragment, render, resource
from xgaze.report.section import Maps, Report, Section, in_reading_order, with_every_key
from xgaze.report.words import groups_in_words

PLAIN = "section.html"
MOST_BYTES = 1_500_000
MOST_ROWS = 50
"""Of a list in the JSON that the page embeds; longer ones lie in files beside it."""


def render_page(report: dict[str, Any], maps: Maps) -> str:
    """The whole page, of at most `MOST_BYTES` where what its sections run can be made smaller. The same report gives the same
    bytes; it loads nothing. Keys of sections may be missing."""
    shown = with_every_key(report)
    rendered = _rendered(shown, maps)
    page = _page(shown, rendered, list(report))
    while len(page.encode()) > MOST_BYTES and (less := _smaller(shown)) is not None:
        section, shown = less
        rendered[section.name] = render_section(section, shown, maps)
        page = _page(shown, rendered, list(report))
    return page


def _rendered(report: Report, maps: Maps) -> dict[str, Markup]:
    """Every section that has something to show, by name."""
    there, rendered = sections_of(report), {}
    with progress_bar("drawing the page") as advance:
        for k, one in enumerate(there, start=1):
            rendered[one.name] = render_section(one, report, maps)
            advance(k, len(there))
    return rendered


def _page(report: Report, rendered: dict[str, Markup], keys: list[str]) -> str:
    """keys: of the report that are embedded."""
    there = sections_of(report)
    scripted = [one.scripted for one in there if one.scripted is not None and one.runs(report)]
    own = {key for one in there if one.runs(report) for key in one.reads}
    return render(
        "page.html",
        scripts=[file for one in scripted for file in one.scripts],
        styles=[one.style for one in scripted],
        report=report,
        nav=[(one.name, one.named(report), one.runs(report)) for one in there],
        sections=[rendered[one.name] for one in there],
        embedded=embedded({key: report[key] for key in keys if key not in own}, MOST_ROWS),
    )


def _smaller(report: Report) -> tuple[Section, Report] | None:
    """A section that runs something, and the report with less for it to run."""
    for one in sections_of(report):
        if one.scripted is not None and one.runs(report) and (less := one.scripted.smaller(report)) is not None:
            return one, less
    return None


def sections_of(report: Report) -> list[Section]:
    """Those that have something to show, in their order. The report has every key."""
    return [one for one in in_reading_order() if one.there(report)]


def render_section(section: Section, report: Report, maps: Maps) -> Markup:
    """One section, from a report with every key. A template sees this section's charts and tables only."""
    template = resource(PLAIN) if section.template is None else section.template.read_text(encoding="utf-8")
    return fragment(
        template,
        report=report,
        section=section,
        label=section.named(report),
        groups=groups_in_words(report),
        words=section.words(report),
        charts=section.charts(report),
        tables=section.tables(report),
        **section.shows(report, maps),
    )
