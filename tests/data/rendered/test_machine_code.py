"""What numba compiles, and that nothing in a user's folder is taken for a part of it."""

import os
import subprocess
import sys

import numpy as np

from xgaze.data.rendered.machine_code import compiled


def test_a_compiled_function_computes_what_it_says():
    @compiled
    def doubled(values):
        for i in range(len(values)):
            values[i] = np.float32(2) * values[i]

    values = np.arange(5, dtype=np.float32)
    doubled(values)
    assert values.tolist() == [0, 2, 4, 6, 8]


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch, tmp_path):
    import numba

    def refused(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", refused)
    assert compiled(abs) is abs


def test_a_file_named_like_a_package_that_numba_asks_for_does_not_matter(tmp_path):
    (tmp_path / "coverage.py").write_text("raise SystemExit('taken for the package coverage')\n")
    program = "from xgaze.data.rendered import render_participant; print(render_participant(0, 1, 16, 20).images.shape)"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("(1, 4, 16, 20)\n", 0), done.stderr
