"""What tells one explanation from another."""

import pytest

from xgaze.api.explained_run import search_hashes
from xgaze.api.runs import Run

TRIED = "method,rank,seconds,latency_ms,worse_percent_mean,chosen\nxgaze,2,{},{},0.5,True\n"


@pytest.fixture
def searched(tmp_path, make_recipe):
    """(budget.csv, capacity.json) -> hashes of that search."""

    def hashes(tried, capacity="{}", roles=("teacher", "student")):
        folder = tmp_path / "toy" / "student"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "budget.csv").write_text(tried)
        (folder / "capacity.json").write_text(capacity)
        return search_hashes(Run(make_recipe(), tmp_path), dict.fromkeys(roles, "hash"))

    return hashes


def test_the_time_that_a_search_took_is_no_part_of_an_explanation(searched):
    first = searched(TRIED.format(10.1, 3.2))
    assert searched(TRIED.format(12.5, 3.9)) == first and len(first) == 2
    assert searched(TRIED.format(10.1, "")) == first
    assert searched(TRIED.format(10.1, 3.2).replace("0.5", "0.6")) != first
    assert searched(TRIED.format(10.1, 3.2), '{"chosen_rank": 3}') != first
    assert searched("", roles=("teacher",)) == []
