"""The rows of a Tobii fixation share an index, which starts anew in every recording: never two recordings as one."""

from pathlib import Path

import pandas as pd

from xgaze.data.fixations.fixation_format import FixationColumns
from xgaze.data.tables.decimals import decimal_sign, numbers
from xgaze.data.tables.missing import is_missing
from xgaze.errors import InputError


def one_row_each(
    frame: pd.DataFrame, found: dict[str, tuple[str, str]], columns: FixationColumns, path: Path
) -> pd.DataFrame:
    """The first sample of each fixation. frame: the samples of fixations, in the order of the file; found: as `tobii_columns`.

    Raises InputError where an index, or the time, starts anew though participant and recording stay the same.
    """
    index = found["index"][0]
    if count := int(is_missing(frame[index]).sum()):
        raise InputError(
            f"{path}: {count:,} of {len(frame):,} samples of fixations have no '{index}'; export them whole."
        )
    told = [one for one in (columns.participant, columns.trial) if one is not None and one in frame.columns]
    _refuse_new_starts(frame, [found[name][0] for name in ("start", "index") if name in found], told, path)
    keys = [*told, index]
    differ = frame.groupby(keys, sort=False)[found["duration"][0]].nunique() > 1
    if differ.any():
        first = differ[differ].index[0]
        shown = "/".join(map(str, first)) if isinstance(first, tuple) else str(first)
        raise InputError(
            f"{path}: {differ.sum():,} of {len(differ):,} fixation indices belong to several fixations, first {shown}: "
            f"several recordings as one. {_remedy(told)}"
        )
    return frame.drop_duplicates(subset=keys)


def _refuse_new_starts(frame: pd.DataFrame, clocks: list[str], told: list[str], path: Path) -> None:
    """Where both participant and recording are told, an order of rows of its own (by stimulus, say) is nobody's loss."""
    if len(told) == 2 or frame.empty:
        return
    sign = decimal_sign({name: frame[name] for name in clocks}, None, str(path))
    for name in clocks:
        values = pd.Series(numbers(frame[name], sign, f"{path}: column '{name}'"), index=frame.index)
        steps = values.groupby([frame[one] for one in told], sort=False).diff() if told else values.diff()
        anew = steps[steps < 0]
        if len(anew):
            row = anew.index[0]
            whom = "".join(f" of {frame[one][row]}" for one in told)
            recordings = f"{len(anew) + 1} recordings as one"
            raise InputError(f"{path}: '{name}'{whom} starts anew in row {row + 1}: {recordings}. {_remedy(told)}")


def _remedy(told: list[str]) -> str:
    lacking = (
        "'Participant name' and 'Recording name'" if not told else "'Participant name' and 'Recording name', both,"
    )
    return (
        f"Export the columns {lacking} too, or name those that tell the recordings apart with columns: {{participant: ..., "
        "trial: ...}."
    )
