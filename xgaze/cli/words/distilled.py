"""What `xgaze distill` says of its result, for a person."""

from typing import Any

from xgaze.artifacts import BESIDE, CONTROL, STUDENT, TEACHER, ModelCard
from xgaze.cli.common import ends_in_words, error_in_words, nothing_learned, rendered_warning
from xgaze.report.claims import (
    DISAGREEMENT,
    FRAME_RADII,
    budget_in_words,
    costs_in_words,
    frame_in_words,
    once_calibrated,
    over_seeds_in_words,
    people_needed_in_words,
    spread_in_words,
    uncalibrated_in_words,
)
from xgaze.report.drawing.format import changed, compared
from xgaze.report.words import beside_in_words

FEW_PARTICIPANTS = 8
TENTHS = "{:.1f}x".format


def in_words(figures: dict[str, Any], card: ModelCard, next_step: str, *scored: str) -> list[str]:
    """The lines for a person. scored: how often test participants were."""
    teacher, student, unit = figures[TEACHER], figures[STUDENT], figures.get("worse_unit") or "%"
    groups = card.spec.get("groups", "participants")
    fewer_than = compared(figures["fc_reduction"], "fewer", "as many", "the teacher", TENTHS)
    return [
        *nothing_learned(figures, groups),
        f"Student: {student['fc_parameters']:,} parameters in fully connected layers, {fewer_than} "
        f"({student['parameters']:,} in all, {fewer(figures['parameter_reduction'])}; "
        f"{student['bytes'] / 1e6:.2f} MB).",
        *(_apart_in_words if figures.get("spread") else _worse_in_words)(figures, groups, unit),
        *([f"  {told}"] if (told := uncalibrated_in_words(figures)) else []),
        *([f"  {told}"] if (told := _people_needed(figures, _who(groups))) else []),
        *([f"  {told}"] if (told := costs_in_words(figures)) else []),
        *([f"  {told}"] if (told := frame_in_words(figures.get(FRAME_RADII), _who(groups), "the student's")) else []),
        *([f"  {told}"] if (told := over_seeds_in_words(figures, groups)) else []),
        *macro_f1_in_words(figures["macro_f1"]),
        *(f"  {told}" for told in beside_in_words(figures.get(BESIDE))),
        *([] if figures["held_on_validation"] else [f"  On validation {groups}: {figures['reason']}."]),
        *labels_only_in_words(figures["labels_only"], unit),
        onnx_in_words(student, teacher),
        *int8_in_words(student, figures["int8_file_reduction"], unit),
        *few_participants(figures["test_participants"], groups),
        *scored,
        *rendered_warning(card.spec["rendered"]),
        f"Lies in: {figures['model_dir']}",
        f"Next:    {next_step}",
    ]


def _worse_in_words(figures: dict[str, Any], groups: str, unit: str) -> list[str]:
    """Errors of both, and how much worse the student is."""
    worse, extra = figures["difference_percent"], figures["control_difference_from_teacher_percent"]["mean"]
    against = {TEACHER: "the teacher", CONTROL: "the teacher given the same extra tuning"}[figures["reference"]]
    tuned = tuning_in_words(figures["control"].get("fault"), extra, unit)
    return [
        f"  Student {error_in_words(figures[STUDENT]['error'], groups)}.",
        f"  Teacher {error_in_words(figures[TEACHER]['error'], groups)}; {tuned}.",
        f"  Worse than {against}{once_calibrated(figures)}: {worse['mean']:+.1f} {unit} {ends_in_words(worse, '+.1f')}, "
        "95 % interval over "
        f"{groups}. Budget of {figures['budget_percent']:g} {unit}: {verdict_in_words(figures)}.",
    ]


def _apart_in_words(figures: dict[str, Any], groups: str, unit: str) -> list[str]:
    """How far the student is from a teacher that says what is true, there being no labels."""
    worse = figures["difference_percent"]
    return [
        f"  {DISAGREEMENT}",
        f"  From the teacher {error_in_words(figures[STUDENT]['error'], groups)}. {spread_in_words(figures)}",
        f"  That is {worse['mean']:.1f} {unit} {ends_in_words(worse, '.1f')}, 95 % interval over {groups}. "
        f"Budget of {figures['budget_percent']:g} {unit}: {verdict_in_words(figures)}.",
    ]


def _who(groups: str) -> str:
    return "people" if groups == "participants" else groups


def _people_needed(figures: dict[str, Any], who: str) -> str:
    """Where the budget was missed."""
    return "" if figures["budget_met"] else people_needed_in_words(figures, figures["test_participants"], who)


def tuning_in_words(fault: str | None, extra: float, unit: str) -> str:
    """What the same extra tuning made of the teacher."""
    if fault:
        return "given the same extra tuning it diverged, so that the student is compared with the untuned teacher"
    return f"the same extra tuning makes it {change_in_words(extra, unit)}"


def verdict_in_words(figures: dict[str, Any]) -> str:
    """Whether the budget held, and what keeps it from it."""
    told = budget_in_words(figures)
    return "held by the upper bound" if told == "met" else told.replace("not met", "NOT held")


def fewer(ratio: float) -> str:
    """As "21.2x fewer", "1.3 times as many"."""
    return changed(ratio, "fewer", "as many", style=TENTHS)


def change_in_words(worse: float, unit: str = "%") -> str:
    """As "1.2 % worse", "0.6 points better": positive is worse."""
    return f"{abs(worse):.1f} {unit} {'worse' if worse > 0 else 'better'}"


def macro_f1_in_words(lost: dict[str, Any] | None) -> list[str]:
    """Beside the one score of classes, the score in which every class counts the same."""
    if lost is None:
        return []
    worse, whole = lost["worse_points"], lost["worse_than_teacher_points"]
    return [
        f"  Macro F1 {lost['student']:.3f} against {lost['reference']:.3f}: {worse['mean']:+.1f} points worse "
        f"{ends_in_words(worse, '+.1f')}; against the untuned teacher's {lost['teacher']:.3f}: "
        f"{whole['mean']:+.1f} points {ends_in_words(whole, '+.1f')}."
    ]


def labels_only_in_words(beside: dict[str, Any] | None, unit: str = "%") -> list[str]:
    """What the teacher's lessons gave, where it taught."""
    if beside is None:
        return []
    worse = beside["worse_than_student_percent"]
    return [
        f"  The same student from labels alone: {change_in_words(worse['mean'], unit)} than this one "
        f"{ends_in_words(worse, '+.1f')}."
    ]


def onnx_in_words(student: dict[str, Any], teacher: dict[str, Any]) -> str:
    """Time and parity of the ONNX file, or why there is none."""
    latency, before = student["latency_ms"], teacher["latency_ms"]
    if latency is None:
        return f"  No ONNX of it ({student['onnx_fault']}): time and 8 bits were not measured."
    beside = f"{before['median']:.2f} ms" if before else "not measured"
    one = " It takes one sample at a time." if student.get("onnx_batch") == "one" else ""
    return (
        f"  onnxruntime, 1 thread: {latency['median']:.2f} ms (95th percentile {latency['p95']:.2f}), teacher {beside}; "
        f"ONNX equals torch to {student['onnx_parity']:.0e}.{one}"
    )


def int8_in_words(student: dict[str, Any], times_smaller: float | None, unit: str = "%") -> list[str]:
    """The file in 8 bits, its form, and why it is that where it does not compute in 8 bits; or why there is none."""
    int8 = student["int8"]
    if int8 is None:
        return [f"  int8: not available ({student['int8_fault']})."] if student["latency_ms"] else []
    worse = int8["worse_than_reference_percent"]
    whom, style = "the teacher's file", "{:.0f}x".format
    beside = f", {compared(times_smaller, 'smaller', 'as large', whom, style)}" if times_smaller else ""
    line = (
        f"  int8: {int8['bytes'] / 1e3:.0f} kB{beside}; "
        f"{worse['mean']:+.1f} {unit} {ends_in_words(worse, '+.1f')}; {int8['latency_ms']['median']:.2f} ms."
    )
    return [line, *form_in_words(int8)]


def form_in_words(int8: dict[str, Any]) -> list[str]:
    """Nothing of students that an older version made."""
    return [f"    Form: {int8['form']}. {int8['note']}".rstrip()] if int8.get("form") else []


def few_participants(count: int, groups: str) -> list[str]:
    """A warning where an interval over people (or what else is kept apart) says little."""
    if count >= FEW_PARTICIPANTS:
        return []
    return [f"  Warning: only {count} test {groups}; with fewer than {FEW_PARTICIPANTS} the interval says little."]
