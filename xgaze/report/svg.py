"""Matplotlib figures as inline SVG: deterministic bytes, no global state, text colour from the page, for screen readers."""

import io
import re
from collections.abc import Callable
from html import escape

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito: safe for colour-blind eyes
TEACHER, STUDENT, MUTED, MARK = "#0072b2", "#d55e00", "#8a8f98", "#009e73"
WHOLE, OTHERS = "#cc79a7", "#56b4e9"
INK = "#010203"  # a sentinel: the page's own text colour takes its place, so that dark mode works

Draw = Callable[[Figure], None]


def figure_svg(name: str, title: str, description: str, draw: Draw, width: float = 7.2, height: float = 3.4) -> str:
    """Draw with `draw`(figure) and return `<svg role="img">` with title and description; ids begin with `name`."""
    settings = {
        **sns.axes_style("ticks"),
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(file.getvalue(), name, title, description)


def _inline(svg: str, name: str, title: str, description: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    svg = svg.replace(INK, "var(--ink)")
    svg = re.sub(r'font: [^;"]*', _font, svg)
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    label = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    described = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return f"{head} {label}>{described}{body}"


def _font(match: re.Match[str]) -> str:
    """Sizes stay, families come from the page."""
    found = re.search(r"([\d.]+)px", match.group())
    return f"font-size: {found.group(1)}px" if found else match.group()


def legend_above(axes: Axes, columns: int = 4) -> None:
    """A frameless legend over the axes, where it hides no data."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, frameon=False, borderaxespad=0.2, fontsize=9)
