"""Charts are drawn when they are asked for, and what draws them is imported then."""

import re
import subprocess
import sys

from xgaze.report.drawing.svg import chart

LOADED = "import sys, xgaze.report.results, xgaze.report.section; print({'seaborn', 'matplotlib'} & set(sys.modules))"


def test_reading_results_imports_nothing_that_draws():
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def cloud(name):
    def draw(figure):
        figure.subplots().plot([1.0, 2.0, 4.0], [3.0, 1.0, 2.0], "o")

    return chart(name, "A cloud", "Three marks.", draw).svg


def test_marks_of_a_cloud_are_named_by_number_and_placed_to_a_tenth():
    svg = cloud("cloud")
    named = set(re.findall(r'href="#(cloud-\d+)"', svg))
    assert named and all(f'id="{one}"' in svg for one in named)
    assert not re.search(r"cloud-m[0-9a-f]{10}", svg)
    (marks,) = (one for one in re.findall(r"<g[^>]*>(?:<use [^>]*/>){3}</g>", svg))
    assert all(re.fullmatch(r"\d+(\.\d)?", one) for one in re.findall(r' [xy]="([^"]*)"', marks))


def test_charts_of_two_names_share_no_id():
    ids = [set(re.findall(r'id="([^"]*)"', cloud(name))) for name in ("one", "two")]
    assert ids[0] and not ids[0] & ids[1]
