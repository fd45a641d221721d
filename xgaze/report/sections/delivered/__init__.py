"""The files that a student is handed over as."""

from xgaze.report.sections.delivered import in_eight_bits

SECTION = (in_eight_bits.SECTION,)
