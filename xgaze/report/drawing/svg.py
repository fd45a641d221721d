"""Matplotlib figures as inline SVG: deterministic bytes, no global state, colours from the page, for screen readers."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from xgaze.artifacts import STUDENT, TEACHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito: safe for colour-blind eyes
BLUE, ORANGE, MUTED, MARK = "#0072b2", "#d55e00", "#8a8f98", "#009e73"
WHOLE, OTHERS, AMBER = "#cc79a7", "#56b4e9", "#e69f00"
CYCLE = (BLUE, ORANGE, MARK, WHOLE, OTHERS, AMBER)
PLUS, MINUS = "#e66101", "#5e3c99"  # PuOr, as attribution maps
INK = "#010203"  # a sentinel: the page's own text colour takes its place, so that dark mode works
PAGE_COLOURS = {
    INK: "currentColor",
    BLUE: "var(--c-teacher)",
    ORANGE: "var(--c-student)",
    MUTED: "var(--c-muted)",
    MARK: "var(--c-mark)",
    WHOLE: "var(--c-whole)",
    OTHERS: "var(--c-others)",
    AMBER: "var(--c-amber)",
    PLUS: "var(--c-plus)",
    MINUS: "var(--c-minus)",
}
SHAPES = {TEACHER: "o", STUDENT: "s"}
COLOURS = {TEACHER: BLUE, STUDENT: ORANGE}

MARK_AT = r'<use xlink:href="[^"]*" x="[^"]*" y="[^"]*"'
SAME_MARKS = rf"{MARK_AT}(?P<look> [^>/]*)/>(?:{MARK_AT}(?P=look)/>)+"

Draw = Callable[["Figure"], None]


@dataclass(frozen=True)
class Chart:
    """Inline SVG with the title and the description that the page shows beside it too."""

    title: str
    description: str
    svg: str


@dataclass(frozen=True)
class Spot:
    """A mark that tells something where a pointer or the keyboard is on it; x and y as the chart's first axes count."""

    x: float
    y: float
    told: str


def chart(
    name: str,
    title: str,
    description: str,
    draw: Draw,
    width: float = 7.2,
    height: float = 3.4,
    spots: Sequence[Spot] = (),
) -> Chart:
    """Draw with `draw`(figure) into `<svg role="img">` with title and description; ids begin with `name`; inches. spots lie over
    the drawing; the page's script lets the keyboard go through them."""
    return Chart(title, description, _drawn(name, title, description, draw, (width, height), spots))


def _drawn(
    name: str, title: str, description: str, draw: Draw, inches: tuple[float, float], spots: Sequence[Spot] = ()
) -> str:
    import matplotlib as mpl  # both take long to import: only where something is drawn
    import seaborn as sns
    from matplotlib.figure import Figure

    settings = {
        **sns.axes_style("ticks"),
        "patch.force_edgecolor": False,
        "patch.linewidth": 0,
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "text.parse_math": False,  # names of layers and inputs come from outside and may hold "$"
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3.5,
        "ytick.major.size": 3.5,
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        over = _overlay(figure, spots) if spots else ""
    inline = _inline(file.getvalue(), name, title, description)
    return inline.rstrip().removesuffix("</svg>") + f"{over}</svg>" if over else inline


def _overlay(figure: "Figure", spots: Sequence[Spot]) -> str:
    """Circles over the marks, from left to right, of those at one place the last given on top; none where a mark lies outside
    the axes."""
    axes, points = figure.axes[0], 72 / figure.dpi
    placed = [(*axes.transData.transform((one.x, one.y)), one.told) for one in spots]
    inside = sorted((one for one in placed if axes.bbox.contains(*one[:2])), key=lambda one: one[:2])
    top = figure.bbox.height
    circles = (
        f'<circle cx="{x * points:.1f}" cy="{(top - y) * points:.1f}" r="7"><title>{escape(told)}</title></circle>'
        for x, y, told in inside
    )
    return f'<g class="spots">{"".join(circles)}</g>'


def _inline(svg: str, name: str, title: str, description: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # nothing refers to groups
    svg = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    svg = _shortly_named(svg, name)
    svg = re.sub(r' style="([^"]*)"', _attributes, svg)
    for colour, variable in PAGE_COLOURS.items():
        svg = svg.replace(f'"{colour}"', f'"{variable}"')
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"\d+\.\d{2,}", _short, tag.group()), svg)
    svg = re.sub(r">\s+<", "><", svg).replace("<g/>", "")
    svg = re.sub(SAME_MARKS, _together, svg)
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    label = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    described = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return f"{head} {label}>{described}{body}"


def _shortly_named(svg: str, name: str) -> str:
    """Marks by their number, where matplotlib names them by a hash."""
    for number, own in enumerate(dict.fromkeys(re.findall(rf'id="({re.escape(name)}-m[0-9a-f]{{10}})"', svg))):
        svg = svg.replace(own, f"{name}-{number}")
    return svg


def _short(match: re.Match[str]) -> str:
    """A tenth of a point is finer than any line is wide; opacities and widths, below 1, keep a hundredth."""
    value = float(match.group())
    return f"{value:.1f}".removesuffix(".0") if value >= 1 else f"{value:.2f}".rstrip("0").rstrip(".")


def _together(match: re.Match[str]) -> str:
    """Marks of one look say it once: half of a cloud's bytes."""
    return f"<g{match['look']}>{match.group().replace(match['look'] + '/>', '/>')}</g>"


def _attributes(match: re.Match[str]) -> str:
    """A style as attributes: the page's policy allows no inline style. Families come from the page."""
    pairs = (one.split(":", 1) for one in match.group(1).split(";") if ":" in one)
    kept = ((name.strip(), value.strip()) for name, value in pairs)
    return "".join(f' {name}="{value}"' for name, value in kept if name != "font-family")


def legend_over(figure: "Figure", axes: "Axes", columns: int = 4) -> None:
    """As `legend_above`, over all panels of a figure; the entries are those of `axes`."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=9)


def legend_above(axes: "Axes", columns: int = 4) -> None:
    """A frameless legend over the axes, where it hides no data."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, frameon=False, borderaxespad=0.2, fontsize=9)
