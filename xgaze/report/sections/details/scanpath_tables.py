"""The numbers behind the charts of scanpaths and graphs."""

from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.sections.details.scanpath_attribution import Drawn


def drawn_tables(drawn: list[Drawn]) -> dict[str, Table]:
    """By the names of their charts."""
    tables = {}
    for one in drawn:
        if one.values:
            tables[one.name] = _fixations(one) if one.kind == "scanpath" else _cells(one)
            tables[f"{one.name}-features"] = _features(one)
    return tables


def _fixations(one: Drawn) -> Table:
    found = one.found
    rows = [
        (
            Cell(str(k + 1), k + 1),
            *(value(found[key][k], 0) for key in ("x_px", "y_px", "duration_ms")),
            *_worth(one, k),
        )
        for k in range(len(found["x_px"]))
    ]
    return table("Fixations", ("fixation", "x, px", "y, px", "duration, ms", *_columns(one)), rows, words=())


def _cells(one: Drawn) -> Table:
    found = one.found
    rows = [
        (
            Cell(f"column {cell % found['grid'] + 1}, row {cell // found['grid'] + 1}", cell),
            *(value(found[key][k], 0) for key in ("x_px", "y_px")),
            value(found["time_share"][k], 2),
            *_worth(one, k),
        )
        for k, cell in enumerate(found["cells"])
    ]
    caption = "Time: relative to the cell where the eye stayed longest. Column 1, row 1 is at the top left."
    return table("Cells", ("cell", "centre x, px", "centre y, px", "time", *_columns(one)), rows, caption=caption)


def _features(one: Drawn) -> Table:
    by_model = one.by_feature()
    features = next(iter(by_model.values()))
    rows: list[list[Cell | str]] = [
        [name, *(value(own[name], one.digits) for own in by_model.values())] for name in features
    ]
    return table("Features", ("feature", *_columns(one)), rows)


def _worth(one: Drawn, k: int) -> list[Cell]:
    return [value(own[k], one.digits) for own in one.values.values()]


def _columns(one: Drawn) -> list[str]:
    return [f"{model}, {one.unit}" for model in one.values]
