"""Faults of fixation tables: of rows, of scanpaths, and of their splits."""

from xgaze.data.checks.table_faults import class_faults, split_faults
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.fixations.fixation_recording import groups_of, splits_of
from xgaze.data.fixations.fixation_scan import scan_fixations, table_faults
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.errors import InputError


def check_scanpaths(data: FixationTableData) -> Checked:
    """Scanpaths are cut, and splits drawn, only from a table that is sound in itself."""
    return Checked(tuple(_faults(data)))


def _faults(data: FixationTableData) -> list[Fault]:
    if faults := table_faults(data):
        return faults
    try:
        found = scan_fixations(data)
    except InputError as error:
        return [Fault("definition", str(error))]
    if found.faults:
        return list(found.faults)
    try:
        splits = splits_of(found.rows, data)
    except InputError as error:
        return [Fault("empty split", str(error))]
    table = found.rows.assign(split=splits)
    classes = class_faults(table, table["class_name"], groups_of(data)) if "class_name" in table else []
    return split_faults(table, groups_of(data)) + classes
