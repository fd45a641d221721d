"""Two runs side by side -> one HTML page. The paired differences come from outside; nothing is computed here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.artifacts import write_json, write_text
from xgaze.report.claims import budget_in_words, once_calibrated
from xgaze.report.drawing.format import (
    DASH,
    count,
    excludes_zero,
    general,
    interval,
    no_evidence,
    number,
    percent,
    percent_interval,
    score,
    size,
    span,
    worse_unit,
)
from xgaze.report.drawing.svg import COLOURS, MUTED, SHAPES, Chart, chart
from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.page.html import embedded, render
from xgaze.report.page.human_comparison import human_comparison, human_verdicts
from xgaze.report.words import groups_in_words

Comparison = dict[str, Any]


def write_comparison(
    page: Path,
    reports: tuple[dict[str, Any], dict[str, Any]],
    pairs: dict[str, Comparison],
    looked: Comparison | None = None,
) -> Path:
    """Write the page and, beside it, its numbers as JSON; pairs: role -> paired differences, second minus first; looked: those of
    the models' attention to people's, where both runs have them."""
    names = [one["recipe"]["name"] for one in reports]
    stored = {"schema": 1, "runs": names, "pairs": pairs} | ({"human": looked} if looked else {})
    write_json(page.with_suffix(".json"), stored)
    write_text(page, render_comparison(reports, pairs, looked))
    return page


def render_comparison(
    reports: tuple[dict[str, Any], dict[str, Any]], pairs: dict[str, Comparison], looked: Comparison | None = None
) -> str:
    """The whole page; deterministic and closed like a run's."""
    names = tuple(one["recipe"]["name"] for one in reports)
    return render(
        "compare.html",
        names=names,
        rendered=any(one["rendered"] for one in reports),
        pairs=pairs,
        verdicts={role: verdict(role, pair, names) for role, pair in pairs.items()},
        side_by_side=_side_by_side(reports, names),
        recipes=_recipes(reports, names),
        people={role: _people(role, pair, names) for role, pair in pairs.items()},
        groups=groups_in_words(next(iter(pairs.values()))),
        chart=_figure(pairs, names),
        looked=human_comparison(looked),
        looked_verdicts=human_verdicts(looked, names) if looked else [],
        embedded=embedded({"runs": names, "pairs": pairs} | ({"human": looked} if looked else {})),
    )


def verdict(role: str, pair: Comparison, names: tuple[str, ...]) -> str:
    """What the paired difference says, in one sentence."""
    found, unit = pair["difference"], pair["unit"]
    what, who = "share of right answers" if unit == "%" else "mean error", groups_in_words(pair)
    by = f"{number(abs(found['mean']))} {'percentage points' if unit == '%' else unit}"
    way = "lower" if found["mean"] < 0 else "higher"
    ends = f"95 % interval of the difference {span(found)}"
    end = "" if excludes_zero(found) else f" {no_evidence(found)}: no evidence of a difference."
    return f"On the same {pair['participants']} {who} the {role} of {names[1]} has a {what} {by} {way} ({ends}).{end}"


def _side_by_side(reports: tuple[dict[str, Any], dict[str, Any]], names: tuple[str, ...]) -> Table:
    lines = [_lines(one) for one in reports]
    rows = [(label, lines[0][label], lines[1][label]) for label in lines[0]]
    rows = [row for row in rows if row[1:] != (DASH, DASH)]
    return _plain_table("Side by side", ("", *names), rows)


def _lines(report: dict[str, Any]) -> dict[str, str]:
    teacher, student = report["teacher"], report["student"]
    unit, worse, capacity = report["score"]["unit"], worse_unit(report), report["capacity"] or {}
    lost, agreement = report["difference_percent"], report.get("agreement") or {"rows": []}
    likeness = [row["spearman"]["mean"] for row in agreement["rows"] if row["role"] == "result"]
    latency = student["latency_ms"] if student else None
    return {
        "teacher's error": f"{score(teacher['error']['mean'], unit)} ({interval(teacher['error'])})",
        "student's error": f"{score(student['error']['mean'], unit)} ({interval(student['error'])})"
        if student
        else DASH,
        "student against its reference": f"{percent(lost['mean'], worse)} ({percent_interval(lost, worse)})"
        if lost
        else DASH,
        "budget": _budget(report),
        "teacher's parameters": count(teacher["parameters"]),
        "student's parameters": count(student["parameters"]) if student else DASH,
        "student's parameters in fully connected layers": count(student["fc_parameters"]) if student else DASH,
        "student's file": size(student["bytes"]) if student else DASH,
        "student's time per sample": f"{number(latency['median'], 2)} ms" if latency else DASH,
        "rank needed": general(capacity.get("expected_rank")),
        "rank chosen": general(capacity.get("chosen_rank")),
        "student's maps against the teacher's (rank correlation)": number(likeness[0], 2) if likeness else DASH,
    }


def _budget(report: dict[str, Any]) -> str:
    if report["budget_percent"] is None:
        return DASH
    return f"{report['budget_percent']:g} {worse_unit(report)}{once_calibrated(report)}: {budget_in_words(report)}"


def _recipes(reports: tuple[dict[str, Any], dict[str, Any]], names: tuple[str, ...]) -> Table | None:
    """The keys in which the two recipes differ."""
    first, second = (_flat(one["recipe"]["settings"]) for one in reports)
    keys = [key for key in dict.fromkeys([*first, *second]) if key != "name" and first.get(key) != second.get(key)]
    rows = [(key, str(first.get(key, DASH)), str(second.get(key, DASH))) for key in keys]
    return _plain_table("What differs in the recipes", ("key of the recipe", *names), rows) if rows else None


def _flat(settings: Any, start: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {start: settings}
    return {
        key: one for name, own in settings.items() for key, one in _flat(own, f"{start}.{name}".lstrip(".")).items()
    }


def _plain_table(label: str, columns: tuple[str, ...], rows: Sequence[Sequence[str]]) -> Table:
    cells = tuple(tuple(Cell(text) for text in row) for row in rows)
    return Table(label, columns, cells, frozenset({0}), sorts=False)


def _people(role: str, pair: Comparison, names: tuple[str, ...]) -> Table:
    unit = pair["unit"]
    rows = [(row["group"], value(row["first"]), value(row["second"]), value(row["difference"])) for row in pair["rows"]]
    who = groups_in_words(pair)
    first = "participant" if who == "people" else "one of them"
    label = "Every test participant" if who == "people" else f"All test {who}"
    columns = (first, f"{names[0]}, {unit}", f"{names[1]}, {unit}", f"difference, {unit}")
    return table(f"{label}, {role}", columns, rows)


def _figure(pairs: dict[str, Comparison], names: tuple[str, ...]) -> Chart:
    one = next(iter(pairs.values()))
    unit, who = one["unit"], groups_in_words(one)
    what = "right answers, %" if unit == "%" else f"mean error, {unit}"

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(pairs), squeeze=False)[0]
        for axes, (role, pair) in zip(panels, pairs.items(), strict=True):
            x, y = (np.array([row[end] for row in pair["rows"]]) for end in ("first", "second"))
            top = 1.05 * max(x.max(), y.max(), 1e-9)
            axes.plot([0, top], [0, top], color=MUTED, linewidth=0.9, linestyle=":")
            axes.plot(x, y, SHAPES[role], color=COLOURS[role], markersize=3.5, alpha=0.7)
            axes.set(xlim=(0, top), ylim=(0, top), aspect="equal", title=role)
            axes.set(xlabel=f"first run: {what}", ylabel=f"second run: {what}")

    return chart(
        "pairs",
        "Each test participant in both runs" if who == "people" else f"The test {who} in both runs",
        f"One mark for each of the test {who}; across: {names[0]}, up: {names[1]}. Marks below the dotted line had the "
        "lower figure in the second run.",
        draw,
        height=3.6,
    )
