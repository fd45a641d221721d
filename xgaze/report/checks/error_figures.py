"""Scores of teacher and student on test people, and of the people for whom the delivered model does worst."""

from typing import Any

import numpy as np

from xgaze.report.check_kinds import SCORE, Check, at
from xgaze.report.checks.loss_figures import NO_STUDENT

ONLY_ERRORS = "people have errors only where gaze or a value is predicted; for classes there is none"
MODELS = ("teacher", "student")


def people_percentile(percent: float) -> Any:
    """Of the mean errors of single test people, of the student or, where there is none, the teacher."""

    def measure(report: dict[str, Any]) -> float | None:
        rows = report.get("per_participant")
        if not rows or report["task"] == "class":
            return None
        model = "student" if rows[0]["student"] is not None else "teacher"
        return float(np.percentile([row[model] for row in rows], percent))

    return measure


def _scores(model: str) -> tuple[Check, ...]:
    missing = NO_STUDENT if model == "student" else "not in this report"
    return (
        Check(f"{model}.score", f"the {model}'s score on test people", at(model, "error", "mean"), SCORE, missing),
        Check(
            f"{model}.score.low",
            f"lower end of the 95 % interval of the {model}'s score",
            at(model, "error", "low"),
            SCORE,
            missing,
        ),
        Check(
            f"{model}.score.high",
            f"upper end of the 95 % interval of the {model}'s score",
            at(model, "error", "high"),
            SCORE,
            missing,
        ),
    )


CHECK = (
    *(one for model in MODELS for one in _scores(model)),
    Check("p95", "the mean error that 95 % of the test people keep below", people_percentile(95), SCORE, ONLY_ERRORS),
    Check("worst", "the mean error of the worst test person", people_percentile(100), SCORE, ONLY_ERRORS),
)
