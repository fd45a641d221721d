"""Charts are drawn when they are asked for, and what draws them is imported then."""

import subprocess
import sys

LOADED = "import sys, xgaze.report.results, xgaze.report.section; print({'seaborn', 'matplotlib'} & set(sys.modules))"


def test_reading_results_imports_nothing_that_draws():
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
