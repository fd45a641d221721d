"""budget.csv: every model tried, with what it cost and how it did on validation participants."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from xgaze.artifacts import write_csv
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.budget import Judged
from xgaze.compression.search.trial import Result, Trial
from xgaze.evaluation.score import worse_unit
from xgaze.models.size import count_fc_parameters, count_parameters

STAGES = {"none": "no training", "head": "head tuned", "whole": "tuned end to end"}


def write_frontier(file: Path, found: Sequence[Judged], chosen: Result | None, bench: Bench) -> None:
    """Write the table. chosen: None where no student fits the budgets."""
    write_csv(file, pd.DataFrame(row_of(one, chosen, bench) for one in found))


def epochs_tuned(trial: Trial, bench: Bench) -> int:
    """How often the tuning saw every training sample."""
    wanted = bench.recipe.distill
    own = {"none": 0, "head": wanted.tuning_epochs, "whole": wanted.end_to_end_epochs}
    return trial.epochs or own[trial.tuning]


def row_of(one: Judged, chosen: Result | None, bench: Bench) -> dict[str, Any]:
    """One line of budget.csv."""
    trial, result = one.result.trial, one.result
    return {
        "method": trial.method,
        "rank": trial.plan.rank,
        "terms": trial.plan.terms,
        "towers_share": trial.plan.share,
        "steps": " ".join(f"{share:g}" for share in trial.steps),
        "coarse_input": trial.plan.coarse,
        "others": " ".join(f"{name}={value}" for name, value in trial.plan.others),
        "stage": STAGES[trial.tuning],
        "teaching": trial.teaching,
        "epochs": epochs_tuned(trial, bench),
        "seed": trial.seed,
        "parameters": result.parameters,
        "parameter_reduction": count_parameters(bench.teacher) / result.parameters,
        "fc_parameters": result.fc_parameters,
        "fc_reduction": count_fc_parameters(bench.teacher) / result.fc_parameters,
        "macs": result.macs,
        "bytes": result.bytes,
        "latency_ms": one.latency_ms,
        "seconds": result.seconds,
        "against": one.against,
        "validation_score": one.score,
        "worse_unit": worse_unit(bench.recording.spec),
        "worse_percent_mean": one.worse_percent.mean,
        "worse_percent_low": one.worse_percent.low,
        "worse_percent_high": one.worse_percent.high,
        "chosen": result is chosen,
    }
