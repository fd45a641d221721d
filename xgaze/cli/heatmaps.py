"""`xgaze heatmaps`"""

from collections import Counter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import pandas as pd

from xgaze.artifacts import atomic_path, write_csv
from xgaze.cli.common import emit
from xgaze.data.fixations.attention_fixations import MOST, SHORTEST_MS
from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.fixations.scanpaths import scanpaths_of
from xgaze.data.fixations.viewing_order import begin_carried_over, file_order
from xgaze.data.photographs.attention import SIGMA_PX, WINDOW_PX, BlankMap, Spread
from xgaze.data.photographs.heatmap_files import Format, map_name, map_writer
from xgaze.data.photographs.heatmaps import Drawing, LookedAt, maps_of, pictures_of
from xgaze.data.source import source_of
from xgaze.errors import InputError
from xgaze.progress import Advance, progress_bar
from xgaze.recipe import load_data
from xgaze.recipe.loading import load_section

BAD_ROWS = ("missing", "outside", "durations", "duplicates")
TABLE = "heatmaps.csv"
# Two fixations make no scanpath, but one is enough to look at; all columns, since some tell where the picture was.
FOR_MAPS = MappingProxyType({"min_fixations": 1, "labels": None})


@click.command("heatmaps")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="A new folder.")
@click.option("--format", "kind", type=click.Choice(["png", "jpg", "npz"]), default="png", show_default=True)
@click.option("--sigma-px", type=float, help=f"Width (standard deviation) of a fixation.  [default: {SIGMA_PX:g}]")
@click.option("--sigma-deg", type=float, help="The same in degrees of visual angle; needs --px-per-degree.")
@click.option("--px-per-degree", type=float)
@click.option("--window-px", type=click.IntRange(0), default=WINDOW_PX, show_default=True, help="0: none.")
@click.option("--one-per-fixation", is_flag=True, help="A map for each fixation, after merging the closest.")
@click.option("--shortest-ms", type=click.FloatRange(0), help=f"Leave shorter ones out.  [one each: {SHORTEST_MS:g}]")
@click.option("--most", type=click.IntRange(1), default=MOST, show_default=True, help="Merge until so many are left.")
@click.option("--carry-over", type=click.Choice(["keep", "drop"]), default="keep", show_default=True)
@click.option("--blank", type=click.Choice(["refuse", "skip"]), default="refuse", show_default=True)
@click.option("--size", nargs=2, type=click.IntRange(1), metavar="WIDTH HEIGHT", help="Of the pictures, px.")
@click.option("--layout", help="Files to read in a folder, as '{participant}/fixations.csv'.")
@click.option("--column", "columns", multiple=True, metavar="WHAT=NAME", help="As x=FIX_X or coordinates=fraction.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="How to read, as eye=left or encoding=cp1252."
)
@click.option("--drop-bad-rows", is_flag=True, help="Leave out rows that cannot be, and count them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def heatmaps(path: Path, out: Path, kind: Format, carry_over: str, blank: str, as_json: bool, **asked: Any) -> None:
    """Draw where people looked: maps of attention from a file of fixations, or its definition (YAML).

    Every fixation counts as long as it lasted, the last one too. A fixation carried over from the picture before (its duration
    is the last one of that picture) is counted, and left out with --carry-over drop.

    \b
    Example:
      xgaze heatmaps Fixation.txt --out heatmaps --format jpg
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: not empty; give a folder that does not exist yet.")
    drawing = drawing_of(asked)
    source, settings = settings_of(path, asked)
    table = read_fixations(source, settings)
    carried = begin_carried_over(scanpaths_of(table), file_order(source, settings))
    pictures = list(pictures_of(table, carried if carry_over == "drop" else ()))
    with progress_bar("drawing") as advance, atomic_path(out) as folder:
        rows, blanks = write_maps(pictures, drawing, folder, kind, blank, advance)
        write_csv(folder / TABLE, pd.DataFrame(rows))
    # The reader's remark on carried-over fixations does not know what became of them here.
    notes = [one for one in table.notes if "carried over" not in one]
    figures: dict[str, Any] = {
        "folder": str(out),
        "pictures": len(pictures) - len(blanks),
        "maps": len(rows),
        "blank": blanks,
        "viewings": int(table.rows["scanpath"].nunique()),
        "carried_over": len(carried),
        "carry_over": carry_over,
        "notes": notes,
    }
    emit(figures, [*notes, *in_words(figures)], as_json)


def drawing_of(asked: dict[str, Any]) -> Drawing:
    """What to draw. Raises InputError when the width is given twice, or in degrees without the px of a degree."""
    spread = Spread(sigma_px_of(asked), asked["window_px"] or None)
    shortest = asked["shortest_ms"]
    if asked["one_per_fixation"]:
        return Drawing.of_single_fixations(spread, SHORTEST_MS if shortest is None else shortest, asked["most"])
    return Drawing(spread, shortest_ms=shortest or 0.0)


def sigma_px_of(asked: dict[str, Any]) -> float:
    in_px, degrees, px_per_degree = (asked[name] for name in ("sigma_px", "sigma_deg", "px_per_degree"))
    if in_px is not None and degrees is not None:
        raise InputError("give --sigma-px or --sigma-deg, not both.")
    if (degrees is None) != (px_per_degree is None):
        raise InputError("--sigma-deg and --px-per-degree go together: how wide, and how many px one degree is.")
    if degrees is not None:
        return float(degrees * px_per_degree)
    return SIGMA_PX if in_px is None else float(in_px)


def settings_of(path: Path, asked: dict[str, Any]) -> tuple[Path, FixationFormat]:
    """Where the fixations lie and how to read them: from a definition, or from the options."""
    if path.suffix in (".yaml", ".yml"):
        data = load_data(path, tuple(f"data.{one}" for one in asked["overrides"]))
        if (found := source_of(data).fixations(data)) is None:
            raise InputError(f"{path}: heatmaps are drawn from fixations (source: fixation-table), not {data.source}.")
        return found[0], found[1].model_copy(update=FOR_MAPS)
    columns = dict(one.partition("=")[::2] for one in asked["columns"])
    unknown = sorted(set(columns) - set(FixationColumns.model_fields))
    if unknown:
        raise InputError(f"--column {unknown[0]}=...: known are {', '.join(FixationColumns.model_fields)}.")
    bad_rows = dict.fromkeys(BAD_ROWS, "drop") if asked["drop_bad_rows"] else {}
    told = {
        "columns": columns,
        "layout": asked["layout"],
        "size": asked["size"],
        "participants": "optional",
        **bad_rows,
    }
    settings = load_section(FixationFormat, told, asked["overrides"], path)
    return path, settings.model_copy(update=FOR_MAPS)


def write_maps(
    pictures: list[LookedAt], drawing: Drawing, folder: Path, kind: Format, blank: str, advance: Advance
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the table, and the names of the pictures whose maps would be blank. Raises InputError where these are refused."""
    rows: list[dict[str, Any]] = []
    blanks: list[str] = []
    names = names_of(pictures)
    with map_writer(folder, kind) as write:
        for number, one in enumerate(pictures, start=1):
            try:
                maps = maps_of(one, drawing)
            except BlankMap:
                blanks.append(one.stimulus)
                continue
            for k, values in enumerate(maps):
                own = names[one.stimulus] + (f"_{k + 1}" if drawing.one_each else "")
                rows.append({"file": write(own, values), **row_of(one)})
            advance(number, len(pictures))
    if blanks and (blank == "refuse" or not rows):
        raise InputError(
            f"{len(blanks)} of {len(pictures)} pictures would have a blank map: no fixation that counts leaves a trace on "
            f"{', '.join(map(repr, blanks[:5]))}{' ...' if len(blanks) > 5 else ''}. "
            "Check coordinates and --shortest-ms, or leave them out with --blank skip."
        )
    return rows, blanks


def names_of(pictures: list[LookedAt]) -> dict[str, str]:
    """Stimulus -> name of its file. Raises InputError when two would overwrite each other."""
    names = {one.stimulus: map_name(one.stimulus) for one in pictures}
    # Not every file system tells "A.png" from "a.png".
    counts = Counter(name.casefold() for name in names.values())
    twice = [name for name in names.values() if counts[name.casefold()] > 1]
    if twice:
        raise InputError(f"several stimuli would be written as '{twice[0]}'; rename them in the table.")
    return names


def row_of(one: LookedAt) -> dict[str, Any]:
    return {
        "stimulus": one.stimulus,
        "width_px": one.size[0],
        "height_px": one.size[1],
        "viewings": one.viewings,
        "fixations": len(one.durations_ms),
        "duration_ms": float(one.durations_ms.sum()),
        "carried_over_dropped": one.carried_over,
    }


def in_words(figures: dict[str, Any]) -> list[str]:
    what = "left out" if figures["carry_over"] == "drop" else "kept (--carry-over drop leaves them out)"
    words = [f"Drew {figures['maps']} maps of {figures['pictures']} pictures from {figures['viewings']} viewings."]
    if figures["carried_over"]:
        words.append(f"{figures['carried_over']} viewings begin with a fixation carried over: {what}.")
    if figures["blank"]:
        words.append(
            f"{len(figures['blank'])} pictures have no map, it would be blank: {', '.join(figures['blank'][:5])}."
        )
    return [*words, f"Maps:    {figures['folder']}", f"Table:   {figures['folder']}/{TABLE}"]
