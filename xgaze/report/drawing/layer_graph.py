"""Two models as small graphs beside each other, as static SVG: inputs, towers below them, what joins them, and what is gone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from xgaze.report.drawing.svg import COLOURS, INK, MUTED, PAGE_COLOURS, Chart

WIDTH, NAMES, PANELS, NUMBERS = 518.4, 96.0, 288.0, 8.0
"""Points: in all, of the names at the left, of the models between, and before the numbers at the right."""
PITCH, BOX, FIRST, END = 23.0, 13.0, 50.0, 14.0
LETTER, SIZE, LEAST = 4.4, 8, 5.0
HALF = 3.0
"""How far a letter's middle lies over its line."""


@dataclass(frozen=True)
class Box:
    """A layer, or a few that follow each other. units: their channels. lanes: the inputs it sees, by number. calls: how many
    of them one after the other, 1 where it joins them. told: what a pointer on it is told."""

    units: tuple[int, ...]
    lanes: tuple[int, ...]
    calls: int
    shown: str
    told: str

    @property
    def centre(self) -> float:
        """In lanes: what serves several inputs in turn stands below the first, what joins them in their middle."""
        return self.lanes[0] if self.calls > 1 else sum(self.lanes) / len(self.lanes)

    @property
    def in_a_lane(self) -> bool:
        return self.calls > 1 or len(self.lanes) == 1


@dataclass(frozen=True)
class GraphRow:
    """The same layers of both models. numbers, cuts: what stands at the right."""

    name: str
    boxes: dict[str, tuple[Box, ...]]
    numbers: str
    cuts: str


@dataclass(frozen=True)
class Layout:
    """Where models and lanes lie, and how wide the square root of a channel is."""

    models: tuple[str, ...]
    lanes: int
    scale: float

    @property
    def panel(self) -> float:
        return PANELS / len(self.models)

    @property
    def lane(self) -> float:
        return (self.panel - 12) / self.lanes

    def x(self, model: str, lane: float) -> float:
        return NAMES + self.panel * self.models.index(model) + 6 + self.lane * (lane + 0.5)

    def widths(self, box: Box) -> list[float]:
        most = self.lane - 3 if box.in_a_lane else self.panel - 12
        return [min(max(self.scale * units**0.5, LEAST), most) for units in box.units]


def top_of(row: int) -> float:
    return FIRST + PITCH * row


def layer_graph(
    name: str, title: str, description: str, rows: Sequence[GraphRow], inputs: Sequence[str], output: str
) -> Chart:
    """inputs: what stands over the lanes. output: what the last layers put out. ids begin with `name`."""
    layout = _layout(rows, len(inputs))
    height = top_of(len(rows)) + END
    parts = [_text(layout.x(model, (len(inputs) - 1) / 2), 10, model, COLOURS[model]) for model in layout.models]
    parts += [_text(layout.x(one, k), 30, words) for one in layout.models for k, words in enumerate(inputs)]
    parts += [_text(WIDTH - 34, 10, "parameters", MUTED, "end"), _text(WIDTH, 10, "cuts", MUTED, "end")]
    for model in layout.models:
        parts += _lines(layout, rows, model)
    for place, row in enumerate(rows):
        parts += _row(layout, row, top_of(place))
    middle = (len(inputs) - 1) / 2
    parts += [_text(layout.x(model, middle), height - 4, output) for model in layout.models]
    head = (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return Chart(title, description, f"{head}{''.join(parts)}</svg>")


def fits_over_a_lane(inputs: Sequence[str], models: int) -> bool:
    """Whether the inputs' names fit over their lanes."""
    lane = (PANELS / models - 12) / len(inputs)
    return max(map(len, inputs)) * LETTER <= lane


def _layout(rows: Sequence[GraphRow], lanes: int) -> Layout:
    """Boxes in lanes are as wide as they can be; those that join lanes have the same scale, where there is room for it."""
    models = tuple(model for model in COLOURS if any(row.boxes.get(model) for row in rows))
    boxes = [box for row in rows for own in row.boxes.values() for box in own]
    own = [box for box in boxes if box.in_a_lane] or boxes
    layout = Layout(models, lanes, 1.0)
    room = layout.lane - 3 if own[0].in_a_lane else layout.panel - 12
    return Layout(models, lanes, room / max(units for box in own for units in box.units) ** 0.5)


def _row(layout: Layout, row: GraphRow, top: float) -> Iterator[str]:
    line = top + BOX / 2 + HALF
    yield _text(NAMES - NUMBERS, line, _shortened(row.name), INK, "end")
    yield _text(WIDTH - 34, line, row.numbers, INK, "end")
    yield _text(WIDTH, line, row.cuts, INK, "end")
    first = row.boxes.get(layout.models[0], ())
    for model in layout.models:
        boxes = row.boxes.get(model, ())
        for one in first if model != layout.models[0] else ():
            yield from _gone(layout, model, one, boxes, top)
        alone = len(boxes) == 1 and len(first) <= 1
        beside = max((wide for one in (*boxes, *first) for wide in layout.widths(one)), default=0.0) / 2 + 4
        for one in boxes:
            yield _box(layout, model, one, top, beside if alone else None)


def _shortened(name: str) -> str:
    most = int((NAMES - NUMBERS) / LETTER)
    return name if len(name) <= most else f"…{name[1 - most :].lstrip('.')}"


def _gone(layout: Layout, model: str, before: Box, boxes: Sequence[Box], top: float) -> Iterator[str]:
    """What the first model has here and this one has not."""
    there = [max(layout.widths(one)) for one in boxes if one.centre == before.centre]
    width = max(layout.widths(before))
    if not there or there[0] < width - 1:
        look = f'fill="none" stroke="{PAGE_COLOURS[MUTED]}" stroke-width="0.8" stroke-dasharray="2 2"'
        yield _rectangle(layout.x(model, before.centre), top, width, BOX, look)


def _box(layout: Layout, model: str, one: Box, top: float, beside: float | None) -> str:
    """beside: how far from its middle there is room for what does not fit in it."""
    colour, widths, middle = PAGE_COLOURS[COLOURS[model]], layout.widths(one), layout.x(model, one.centre)
    high = BOX / len(widths)
    look = f'fill="{colour}" fill-opacity="0.3" stroke="{colour}" stroke-width="0.8"'
    parts = [_rectangle(middle, top + high * k, wide, high, look) for k, wide in enumerate(widths)]
    line, long = top + BOX / 2 + HALF, LETTER * len(one.shown)
    if long <= widths[-1] - 2 and len(widths) == 1:
        parts.append(_text(middle, line, one.shown))
    elif beside is not None:
        parts.append(_text(middle + beside, line, one.shown, INK, "start"))
    return f"<g><title>{escape(one.told)}</title>{''.join(parts)}</g>"


def _lines(layout: Layout, rows: Sequence[GraphRow], model: str) -> list[str]:
    """From every input down through all that sees it."""
    found: dict[str, None] = {}
    for lane in range(layout.lanes):
        x, y = layout.x(model, lane), FIRST - 16
        for place, row in enumerate(rows):
            for box in row.boxes.get(model, ()):
                if lane in box.lanes:
                    found[_way(x, y, layout.x(model, box.centre), top_of(place))] = None
                    x, y = layout.x(model, box.centre), top_of(place) + BOX
        found[_way(x, y, layout.x(model, (layout.lanes - 1) / 2), top_of(len(rows)))] = None
    look = f'fill="none" stroke="{PAGE_COLOURS[MUTED]}" stroke-width="0.8"'
    return [f'<path d="{way}" {look}/>' for way in found]


def _way(x: float, y: float, to_x: float, to_y: float) -> str:
    """Straight down, and in the last gap across."""
    return f"M{x:.1f} {y:.1f}V{to_y - PITCH + BOX:.1f}L{to_x:.1f} {to_y:.1f}"


def _rectangle(middle: float, top: float, width: float, height: float, look: str) -> str:
    return f'<rect x="{middle - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" {look}/>'


def _text(x: float, y: float, text: str, colour: str = INK, anchor: str = "middle") -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" font-size="{SIZE}" text-anchor="{anchor}"'
    return f'<text {at} fill="{PAGE_COLOURS[colour]}">{escape(text)}</text>'
