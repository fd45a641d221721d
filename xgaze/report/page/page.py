"""report.json -> one HTML page: every section that has something to show, in reading order."""

from typing import Any

from markupsafe import Markup

from xgaze.report.page.html import embedded, fragment, render, resource
from xgaze.report.section import Maps, Report, Section, in_reading_order, with_every_key
from xgaze.report.words import groups_in_words

PLAIN = "section.html"


def render_page(report: dict[str, Any], maps: Maps) -> str:
    """The whole page. The same report gives the same bytes; it loads nothing. Keys of sections may be missing."""
    shown = with_every_key(report)
    there = sections_of(shown)
    return render(
        "page.html",
        report=shown,
        nav=[(one.name, one.named(shown)) for one in there],
        sections=[render_section(one, shown, maps) for one in there],
        embedded=embedded(report),
    )


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
