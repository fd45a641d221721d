"""Teacher and student as small graphs: which layers serve which inputs, and which surgery made what of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.drawing.format import DASH, count
from xgaze.report.drawing.layer_graph import Box, GraphRow, fits_over_a_lane, layer_graph
from xgaze.report.drawing.svg import Chart
from xgaze.report.drawing.tables import Cell, Table, table
from xgaze.report.section import Report, Rows, Section
from xgaze.report.sections.students_tried import surgery_in_words, where_in_words
from xgaze.stored import Stored

MODELS = (TEACHER, STUDENT)
MOST_ROWS, MOST_LANES, MOST_UNITS = 18, 8, 3
RECORDS = ("kind", "proof", "words", "where")
OUTPUTS = {"gaze": "gaze point", "angle": "direction", "class": "class", "value": "value"}
Call = tuple[str, ...]


class Wired(Stored):
    """A layer that holds weights. of: the layer whose weights it computes with. sees: for every call, the inputs it sees."""

    model: str
    layer: str
    of: str | None
    shape: list[int]
    units: int | None
    sees: list[list[str]]


@dataclass(frozen=True)
class Held:
    """A layer of a model, with what borrows its weights."""

    layer: str
    kind: str
    parameters: int
    units: int | None
    sees: tuple[Call, ...]

    @property
    def only(self) -> str | None:
        """The one input that it sees."""
        return self.sees[0][0] if len(self.sees) == 1 and len(self.sees[0]) == 1 else None


@dataclass(frozen=True)
class Row:
    """Layers of both models that are the same, or were."""

    held: dict[str, list[Held]] = field(default_factory=lambda: {TEACHER: [], STUDENT: []})

    @property
    def names(self) -> list[str]:
        return [one.layer for one in self.held[TEACHER] or self.held[STUDENT]]

    @property
    def part(self) -> tuple[Any, ...]:
        """What rows that become one must have in common."""
        return tuple(tuple(dict.fromkeys(one.sees for one in self.held[model])) for model in MODELS)


def held_by(report: Report, model: str) -> list[Held]:
    """The model's layers in the order of computing; those that borrow weights count to whom they borrow from."""
    costs = {row["layer"]: row for row in report.get("layers") or [] if row["model"] == model}
    rows = [row for row in report.get("wiring") or [] if row["model"] == model]
    found: dict[str, Held] = {}
    for row in rows:
        if row["of"] is None:
            cost = costs.get(row["layer"], {"kind": "", "parameters": 0})
            sees = tuple(tuple(call) for call in row["sees"])
            found[row["layer"]] = Held(row["layer"], cost["kind"], cost["parameters"], row["units"], sees)
    for name, own in [(row["layer"], row["of"]) for row in rows if row["of"] in found]:
        more = sum(cost["parameters"] for layer, cost in costs.items() if f"{layer}.".startswith(f"{name}."))
        found[own] = replace(found[own], parameters=found[own].parameters + more)
    borrowing = [row["layer"] for row in rows if row["of"] is not None]
    return [one for one in found.values() if not any(one.layer.startswith(f"{name}.") for name in borrowing)]


def rows_of(report: Report) -> list[Row]:
    """One per layer: of the teacher's towers that are alike the same layer, and what the student has in its place."""
    rows = list(_towers_together(held_by(report, TEACHER)))
    last = -1
    for one in held_by(report, STUDENT):
        place = max(
            (k for k, row in enumerate(rows) if _match(row, one.layer)),
            key=lambda k: _match(rows[k], one.layer),
            default=None,
        )
        if place is None:
            rows.insert(last := last + 1, Row())
        else:
            last = place
        rows[last].held[STUDENT].append(one)
    return rows


def _match(row: Row, layer: str) -> int:
    """How long the name is of the teacher's layer in whose place this one is, and 1 more; 0 for none."""
    names = (one.layer for one in row.held[TEACHER])
    return max((len(name) + 1 for name in names if f"{layer}.".startswith(f"{name}.")), default=0)


def _towers_together(held: Sequence[Held]) -> Iterator[Row]:
    towers: dict[str, list[Held]] = {}
    for one in held:
        if one.only is not None:
            towers.setdefault(one.only, []).append(one)
    forms = {name: tuple((one.kind, one.parameters, one.units) for one in own) for name, own in towers.items()}
    for one in held:
        like = [name for name, form in forms.items() if one.only is not None and form == forms[one.only]]
        if one.only is None:
            yield Row({TEACHER: [one], STUDENT: []})
        elif one.only == like[0]:
            place = towers[one.only].index(one)
            yield Row({TEACHER: [towers[name][place] for name in like], STUDENT: []})


def condensed(rows: Sequence[Row], most: int = MOST_ROWS) -> list[Row]:
    """At most so many rows, but for parts that see other inputs: layers whose paths begin alike become one, the deepest first,
    then neighbours."""
    deepest = max((row.names[0].count(".") for row in rows), default=0)
    for depth in range(deepest, 0, -1):
        if len(rows) <= most:
            break
        runs = groupby(rows, key=partial(_block, depth))
        rows = [_joined(list(own)) for _, own in runs]
    together = 1
    whole = list(rows)
    while len(rows) > most and together < len(whole):
        together += 1
        parts = [list(own) for _, own in groupby(whole, key=lambda row: row.part)]
        rows = [_joined(own[k : k + together]) for own in parts for k in range(0, len(own), together)]
    return list(rows)


def _block(depth: int, row: Row) -> tuple[Any, ...]:
    return row.part, row.names[0].split(".")[:depth]


def _joined(rows: Sequence[Row]) -> Row:
    return Row({model: [one for row in rows for one in row.held[model]] for model in MODELS})


def row_name(row: Row) -> str:
    """The path, with a star for what differs between towers; of several layers in a row, what their paths begin with."""
    first = row.held[TEACHER] or row.held[STUDENT]
    names = [one.layer.split(".") for one in first if one.sees == first[0].sees]
    if len(names) > 1:
        alike = [parts[0] for parts in zip(*names, strict=False) if len(set(parts)) == 1]
        return ".".join([*alike, "…"]) if alike else f"{first[0].layer} …"
    others = [one.layer.split(".") for one in first]
    if len({len(one) for one in others}) > 1:
        return first[0].layer
    return ".".join(parts[0] if len(set(parts)) == 1 else "*" for parts in zip(*others, strict=True))


def touched(row: Row, surgery: dict[str, Any]) -> bool:
    """Whether what is stored of a surgery names one of the row's layers, one inside it or one around it."""
    own = [f"{one.layer}." for model in MODELS for one in row.held[model]]
    named = [
        f"{text.partition(':')[0]}." for key, value in surgery.items() if key not in RECORDS for text in _texts(value)
    ]
    return any(layer.startswith(name) or name.startswith(layer) for name in named for layer in own)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for one in pair for text in _texts(one))
    elif isinstance(value, list | tuple):
        yield from (text for one in value for text in _texts(one))


def cuts_of(row: Row, report: Report) -> list[int]:
    """The numbers of the surgeries that touched it, from 1."""
    return [number for number, one in enumerate(report["surgeries"], start=1) if touched(row, one)]


def _charts(report: Report) -> dict[str, Chart]:
    rows, inputs = rows_of(report), [one["name"] for one in report["inputs"]]
    if not rows:
        return {}
    shown, two = condensed(rows), bool(held_by(report, STUDENT))
    told = (
        "A box is a layer with weights, in the order of computing, below the inputs that it sees; its width is the square root "
        "of its channels, which stand in it."
    )
    if two:
        told += " Dashed: what the student does without. At the right parameters, teacher → student, and the numbers of the cuts."
    if len(shown) < len(rows):
        told += f" {len(rows)} layers are drawn as {len(shown)}; the table has all."
    lanes = list(inputs)
    if len(inputs) > MOST_LANES:
        lanes = [f"{len(inputs)} inputs"]
    elif not fits_over_a_lane(inputs, 1 + two):
        lanes = [str(k) for k in range(1, len(inputs) + 1)]
        told += f" Inputs: {', '.join(f'{k} {name}' for k, name in enumerate(inputs, start=1))}."
    places = {name: min(k, len(lanes) - 1) for k, name in enumerate(inputs)}
    drawn = [_drawn(row, places, report) for row in shown]
    title = "Teacher and student, and what was cut" if two else "The teacher, layer by layer"
    return {"wiring": layer_graph("wiring", title, told, drawn, lanes, OUTPUTS[report["task"]])}


def _drawn(row: Row, places: dict[str, int], report: Report) -> GraphRow:
    boxes = {model: tuple(_boxes(row.held[model], places)) for model in MODELS}
    cuts = cuts_of(row, report) if report["student"] else []
    return GraphRow(row_name(row), boxes, _numbers(row, bool(report["student"])), " ".join(map(str, cuts)))


def _numbers(row: Row, two: bool) -> str:
    before, after = (sum(one.parameters for one in row.held[model]) for model in MODELS)
    if not two or before == after:
        return count(before)
    return f"{count(before) if row.held[TEACHER] else DASH} → {count(after) if row.held[STUDENT] else DASH}"


def _boxes(held: Sequence[Held], places: dict[str, int]) -> Iterator[Box]:
    """One for layers that see the same."""
    for sees in dict.fromkeys(one.sees for one in held):
        own = [one for one in held if one.sees == sees]
        lanes = tuple(dict.fromkeys(places.get(name, 0) for call in sees for name in call))
        units = tuple(one.units or 1 for one in own)
        shown = " › ".join(map(count, units)) if len(own) <= MOST_UNITS else f"{len(own)} layers"
        calls = len(sees) if all(len(call) == 1 for call in sees) else 1
        turns = f" ×{calls}" * (calls > 1)
        drawn = units if len(own) <= MOST_UNITS else units[-1:]
        yield Box(drawn, lanes, calls if len(lanes) > 1 else 1, f"{shown}{turns}", _told(own))


def _told(own: Sequence[Held]) -> str:
    first, held = own[0], sum(one.parameters for one in own)
    if len(own) > MOST_UNITS:
        which = f"{len(own)} layers from {first.layer} to {own[-1].layer}"
    else:
        which = ", then ".join(f"{one.layer} ({one.kind}, {count(one.units or 1)} channels)" for one in own)
    return f"{which}: {count(held)} parameters; sees {seen_in_words(first.sees)}"


def seen_in_words(sees: Sequence[Call]) -> str:
    """As "left", "left and right together", "left and right in turn"."""
    calls = [" and ".join(call) for call in sees]
    if len(calls) == 1:
        return f"{calls[0]} together" if len(sees[0]) > 1 else calls[0]
    return f"{' and '.join(calls)} in turn" if all(len(one) == 1 for one in sees) else ", then ".join(calls)


def cut_rows(report: Report) -> Rows:
    """A row for each layer, as the CSV file has it."""
    return [_told_row(row, report) for row in rows_of(report)]


def _told_row(row: Row, report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {"layer": row_name(row)}
    for model in MODELS:
        own = row.held[model]
        found[f"{model}_sees"] = "; ".join(dict.fromkeys(seen_in_words(one.sees) for one in own)) or None
        found[f"{model}_channels"] = ", ".join(dict.fromkeys(str(one.units or "") for one in own)) or None
        found[f"{model}_parameters"] = sum(one.parameters for one in own) if own else None
    numbers = cuts_of(row, report) if report["student"] else []
    return {**found, "cuts": "; ".join(surgery_in_words(report["surgeries"][k - 1]) for k in numbers) or None}


def _tables(report: Report) -> dict[str, Table]:
    rows = cut_rows(report)
    if not rows:
        return {}
    models = MODELS if report["student"] else MODELS[:1]
    columns = ["layer", *(f"{one} {what}" for one in models for what in ("sees", "channels", "parameters"))]
    columns += ["cuts"] * (len(models) > 1)
    shown = [_cells(row, models) for row in rows]
    text = [k for k, name in enumerate(columns) if name.endswith(("layer", "sees", "cuts"))]
    tables = {"wiring": table("Layers and cuts", columns, shown, text)}
    if report["student"] and report["surgeries"]:
        tables["cuts"] = _cuts(report["surgeries"])
    return tables


def _cells(row: dict[str, Any], models: Sequence[str]) -> list[Cell]:
    cells = [Cell(row["layer"], look="code")]
    for one in models:
        held = row[f"{one}_parameters"]
        cells += [Cell(row[f"{one}_sees"] or DASH), Cell(row[f"{one}_channels"] or DASH)]
        cells.append(Cell(DASH, -1) if held is None else Cell(count(held), held))
    return [*cells, Cell(row["cuts"] or DASH)] if len(models) > 1 else cells


def _cuts(surgeries: Sequence[dict[str, Any]]) -> Table:
    rows = [
        (Cell(str(k)), Cell(surgery_in_words(one)), Cell(where_in_words(one), look="code"))
        for k, one in enumerate(surgeries, start=1)
    ]
    return table("What was cut", ("number", "cut", "where"), rows, (1, 2))


def _words(report: Report) -> list[str]:
    shared = [one for one in held_by(report, STUDENT) if len(one.sees) > 1 and all(len(call) == 1 for call in one.sees)]
    if not shared:
        return []
    inputs = list(dict.fromkeys(name for one in shared for call in one.sees for name in call))
    return [
        f"The student's {len(shared)} layer{'s' * (len(shared) > 1)} with an × serve {', '.join(inputs)} in turn: one tower in "
        "place of several, drawn once."
    ]


SECTION = Section(
    name="wiring",
    place=55,
    label=lambda report: "What was cut" if report["student"] else "The layers",
    reads={"wiring": list[Wired] | None},
    words=_words,
    charts=_charts,
    tables=_tables,
    csv={"layers_and_cuts": cut_rows},
)
