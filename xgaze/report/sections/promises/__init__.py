"""What the run was held against, and what is promised of a single frame."""

from xgaze.report.sections.promises import how_sure, one_frame, run_checks

SECTION = (run_checks.SECTION, one_frame.SECTION, how_sure.SECTION)
