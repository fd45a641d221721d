"""The student itself, run by the reader's browser: what it needs, says and looks like."""

from xgaze.report.sections.live_student.live_section import SECTION, kernels_known

__all__ = ["SECTION", "kernels_known"]
