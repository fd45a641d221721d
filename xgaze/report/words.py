"""The first screen in plain words: what was trained on whom, how good, how small, what was lost, why, can I trust it."""

from typing import Any

from xgaze.report.format import count, interval, number, percent, percent_interval, score, times, tiny

COMPLETENESS_LIMIT_PERCENT = 5.0
FEW_PARTICIPANTS = 8


def summary(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of question and answer."""
    pairs = [("Trained on whom?", _whom(report)), ("How good?", _good(report))]
    if report["student"]:
        pairs += [("How small?", _small(report)), ("What was lost?", _lost(report))]
    else:
        pairs.append(("How small?", "No student yet: run xgaze distill."))
    if report["capacity"]:
        pairs.append(("Why so small?", _why(report["capacity"])))
    return [*pairs, ("Can I trust it?", _trust(report))]


def _whom(report: dict[str, Any]) -> str:
    people, frames = report["participants"], report["samples"]
    what = "frames" if report["task"] == "gaze" else "pictures"
    told = (
        f"{count(people['train'])} people ({count(frames['train'])} {what}); weights were selected on "
        f"{count(people['validation'])} others and scored on {count(people['test'])} people ({count(frames['test'])} {what}) "
        "that neither had seen."
    )
    if report["rendered"]:
        told += " These people are rendered, not recorded: the figures hold for the rendered recording only."
    return told


def _good(report: dict[str, Any]) -> str:
    error = report["teacher"]["error"]
    beside = "; ".join(
        f"{one['name']} {score(one['error']['mean'], one['error']['unit'])}" for one in report["baselines"]
    )
    return (
        f"The teacher's {report['score']['name']} is {score(error['mean'], error['unit'])} on unseen people (95 % interval "
        f"over people: {interval(error)}). For comparison: {beside}."
    )


def _small(report: dict[str, Any]) -> str:
    student = report["student"]
    told = (
        f"The student keeps {count(student['fc_parameters'])} parameters in its fully connected layers, "
        f"{times(report['fc_reduction'])} fewer, and {count(student['parameters'])} in all, "
        f"{times(report['parameter_reduction'])} fewer."
    )
    if 0.9 < report["latency_ratio"] < 1.1:
        told += " It is hardly faster: the time goes into the convolutions."
    else:
        told += f" onnxruntime needs {number(report['latency_ratio'])} times less time for it on one thread."
    if report["int8_file_reduction"]:
        told += f" In 8 bits its file is {times(report['int8_file_reduction'])} smaller than the teacher's."
    return told


def _lost(report: dict[str, Any]) -> str:
    worse, budget = report["difference_percent"], report["budget_percent"]
    against = "the teacher" if report["reference"] == "teacher" else "the teacher given the same extra tuning"
    told = (
        f"{percent(worse['mean'])} against {against} (95 % interval over people: {percent_interval(worse)}; "
        "worse is positive). "
    )
    if report["budget_met"]:
        return told + f"The budget of {budget:g} % is met, by the upper end of the interval too."
    if worse["mean"] <= budget:
        return told + f"The budget of {budget:g} % is met by the estimate but not by the upper end of its interval."
    return told + f"The budget of {budget:g} % is not met; this is the student that comes nearest."


def _why(capacity: dict[str, Any]) -> str:
    needed = capacity["expected_rank"]
    separable = ", each seen through separable filters" if capacity["chosen_terms"] else ""
    return (
        f"Of the {count(capacity['out_features'])} directions that the first fully connected layer can use, the prediction "
        f"needs about {needed} (99 % of the variance that reaches the output); the student keeps "
        f"{capacity['chosen_rank']}{separable}."
    )


def _trust(report: dict[str, Any]) -> str:
    told = ["No person is in two of the three groups, and the test people were scored once, at the end."]
    if report["surgeries"]:
        worst = max(one["proof"]["value"] for one in report["surgeries"])
        told.append(
            f"Each of the {len(report['surgeries'])} surgeries was proved on real inputs (largest deviation {tiny(worst)})."
        )
    if report["attribution"]:
        delta = worst_completeness(report["attribution"])
        verdict = (
            "complete enough to read" if delta <= COMPLETENESS_LIMIT_PERCENT else "NOT complete: read it with care"
        )
        told.append(f"The attribution leaves at most {number(delta)} % of the output change unexplained: {verdict}.")
    if report["participants"]["test"] < FEW_PARTICIPANTS:
        told.append(f"With only {report['participants']['test']} test people the intervals say little.")
    return " ".join(told)


def worst_completeness(attribution: dict[str, Any]) -> float:
    """The largest completeness delta shown, %."""
    return max(
        float(value)
        for sample in attribution["samples"]
        for by_target in sample["completeness_percent"].values()
        for value in by_target.values()
    )
