"""Provenance: recipe, split, versions, how often test data were scored, and the commands to do it again."""

from pathlib import Path
from typing import Any

from xgaze.report.claims import NO_COMMANDS, scored_in_words
from xgaze.report.section import Maps, Report, Section
from xgaze.report.words import groups_in_words, has_labels


def _shows(report: Report, _maps: Maps) -> dict[str, Any]:
    scored = scored_in_words(report.get("scorings"), groups_in_words(report), has_labels(report))
    return {"scored": scored, "no_commands": NO_COMMANDS}


SECTION = Section(
    name="provenance",
    place=150,
    label="Provenance",
    always=True,
    shows=_shows,
    template=Path(__file__).with_suffix(".html"),
)
