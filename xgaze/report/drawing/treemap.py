"""A treemap as static SVG: tiles whose areas are bytes, near to squares (Bruls, Huizing and van Wijk 2000)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from xgaze.report.drawing.svg import INK, PAGE_COLOURS, Chart

Box = tuple[float, float, float, float]
"""Left, top, width, height."""
WIDTH, HEIGHT, GAP = 518.4, 230.0, 1.2
"""Points, as wide as the page's other charts."""
LETTER, LINE, MARGIN = 4.6, 10.5, 4.0
"""Points that a letter and a line of 8 points take, and round them."""
FEWEST_LETTERS = 5


@dataclass(frozen=True)
class Tile:
    """size: its area. kept: which part of it is filled, 0..1. told: what a pointer on it is told."""

    name: str
    size: float
    shown: str
    told: str
    colour: str
    kept: float = 1.0


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """A box for each size, which fill `box` with areas in proportion; sizes > 0, in descending order."""
    left, top, width, height = box
    scale, placed = width * height / (sum(sizes) or 1.0), list[Box]()
    areas = [size * scale for size in sizes]
    while areas:
        side, many = min(width, height), _row_length(areas, min(width, height))
        row, areas = areas[:many], areas[many:]
        thick, along = sum(row) / side, 0.0
        for area in row:
            length = area / thick
            placed.append((left, top + along, thick, length) if width >= height else (left + along, top, length, thick))
            along += length
        if width >= height:
            left, width = left + thick, width - thick
        else:
            top, height = top + thick, height - thick
    return placed


def _row_length(areas: Sequence[float], side: float) -> int:
    """How many of the areas make a row along `side` whose worst tile is nearest to a square."""
    many = 1
    while many < len(areas) and _worst(areas[: many + 1], side) <= _worst(areas[:many], side):
        many += 1
    return many


def _worst(row: Sequence[float], side: float) -> float:
    """The largest ratio of two sides among the tiles of a row."""
    whole = sum(row)
    return max(max(side**2 * area / whole**2, whole**2 / (side**2 * area)) for area in row)


def treemap(name: str, title: str, description: str, tiles: Sequence[Tile]) -> Chart:
    """Tiles, the largest at the top left; those without size are left out. ids begin with `name`."""
    shown = sorted((one for one in tiles if one.size > 0), key=lambda one: -one.size)
    boxes = squarified([one.size for one in shown], (0.0, 0.0, WIDTH, HEIGHT))
    drawn = "".join(_tile(one, box) for one, box in zip(shown, boxes, strict=True))
    head = (
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return Chart(title, description, f"{head}{drawn}</svg>")


def _tile(one: Tile, box: Box) -> str:
    left, top, width, height = box
    width, height = max(width - GAP, 0.2), max(height - GAP, 0.2)
    colour, ink = PAGE_COLOURS[one.colour], PAGE_COLOURS[INK]
    filled = height * min(max(one.kept, 0.0), 1.0)
    parts = [
        f"<g><title>{escape(one.told)}</title>",
        _rectangle(left, top, width, height, f'fill="{colour}" fill-opacity="0.13"'),
        _rectangle(left, top + height - filled, width, filled, f'fill="{colour}" fill-opacity="0.38"'),
        _rectangle(left, top, width, height, f'fill="none" stroke="{colour}" stroke-width="0.8"'),
    ]
    parts += [
        f'<text x="{left + MARGIN:.1f}" y="{top + LINE * (k + 1):.1f}" font-size="8" fill="{ink}">{escape(line)}</text>'
        for k, line in enumerate(_lines(one, width, height))
    ]
    return "".join([*parts, "</g>"])


def _lines(one: Tile, width: float, height: float) -> list[str]:
    """What there is room for: the name, or its end, and what is shown."""
    letters, many = int((width - 2 * MARGIN) / LETTER), int((height - MARGIN) / LINE)
    if letters < FEWEST_LETTERS:
        return []
    name = one.name if len(one.name) <= letters else f"…{one.name[1 - letters :].lstrip('.')}"
    return [name, *([one.shown] if len(one.shown) <= letters else [])][:many]


def _rectangle(left: float, top: float, width: float, height: float, look: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" {look}/>'
