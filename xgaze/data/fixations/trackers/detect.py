"""Which tracker a file came from: only if its headers say so beyond doubt, else the user is asked."""

from collections.abc import Callable
from pathlib import Path

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.trackers import gazepoint, neon, pupil_core, pupil_surface
from xgaze.data.fixations.trackers.cub_gha import is_cub_gha, read_cub_gha
from xgaze.data.fixations.trackers.eyelink import is_eyelink, read_eyelink
from xgaze.data.fixations.trackers.gazepoint import read_gazepoint
from xgaze.data.fixations.trackers.generic import asking, read_generic
from xgaze.data.fixations.trackers.neon import read_neon
from xgaze.data.fixations.trackers.pupil_core import read_pupil_core
from xgaze.data.fixations.trackers.pupil_surface import read_pupil_surface
from xgaze.data.fixations.trackers.tobii import is_tobii, read_tobii
from xgaze.data.fixations.trackers.tracker_file import Source
from xgaze.data.tables.encoding import MARK, open_text
from xgaze.data.tables.reader import columns_of, is_parquet
from xgaze.errors import InputError

Reader = Callable[[Path, FixationFormat], Source]
FIRST_CHARACTERS = 4096


def readers() -> dict[str, Reader]:
    """Format -> its reader."""
    return {
        "table": read_generic,
        "pupil-core": read_pupil_core,
        "pupil-surface": read_pupil_surface,
        "neon": read_neon,
        "gazepoint": read_gazepoint,
        "tobii": read_tobii,
        "eyelink": read_eyelink,
        "cub-gha": read_cub_gha,
    }


def format_of(path: Path, settings: FixationFormat) -> str:
    """The format said, or that of the mapping, or the one that the headers show. Raises InputError listing the columns found."""
    if settings.format != "auto":
        return settings.format
    if settings.columns.x is not None and settings.columns.y is not None:
        return "table"
    by_text = {} if is_parquet(path) else _shown_by_text(path, settings)
    header = [] if any(by_text.values()) else columns_of(path, settings)
    shown = {
        "pupil-core": set(header) >= pupil_core.HEADERS,
        "pupil-surface": set(header) >= pupil_surface.HEADERS,
        "neon": set(header) >= neon.HEADERS,
        "gazepoint": set(header) >= gazepoint.HEADERS,
        "tobii": is_tobii(header),
        **by_text,
    }
    fitting = [name for name, fits in shown.items() if fits]
    if len(fitting) == 1:
        return fitting[0]
    trackers = ", ".join(shown)
    found = f"fits {' and '.join(fitting)}" if fitting else f"no export of a known tracker ({trackers})"
    raise InputError(f"{path}: {found}. {asking(header)}")


def _shown_by_text(path: Path, settings: FixationFormat) -> dict[str, bool]:
    """Formats that are no tables, by how the file begins."""
    with open_text(path, settings.encoding) as text:
        first = text.read(FIRST_CHARACTERS).removeprefix(MARK)
    return {"eyelink": is_eyelink(first), "cub-gha": is_cub_gha(path, first.partition("\n")[0])}
