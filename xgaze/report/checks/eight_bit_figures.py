"""What the student's file in 8 bits takes and loses."""

from typing import Any

from xgaze.report.check_kinds import WORSE, Check, at
from xgaze.report.checks.loss_figures import NO_STUDENT

FILE = "eight_bits"
NONE = f"{NO_STUDENT}, or there is no file in 8 bits (`xgaze export --to int8`)"
NO_ENDS = f"{NONE}, or too few people for an interval"


def times_as_fast(report: dict[str, Any]) -> float | None:
    """How many times as long the file in floats takes, both timed in turn."""
    ratio = at(FILE, "time_ratio", "mean")(report)
    return 1 / ratio if ratio else None


LOST = "of the loss in 8 bits against the file in floats, on test people"
CHECK = (
    Check("int8.bytes", "size of the student's file in 8 bits", at(FILE, "bytes"), "bytes", NONE),
    Check(
        "int8.latency",
        "median time per sample of the file in 8 bits, onnxruntime on one thread",
        at(FILE, "latency_ms", "median"),
        "ms",
        NONE,
    ),
    Check("int8.worse.mean", f"mean {LOST}", at(FILE, "difference_percent", "mean"), WORSE, NONE),
    Check(
        "int8.worse.high",
        f"upper end of the 95 % interval {LOST}",
        at(FILE, "difference_percent", "high"),
        WORSE,
        NO_ENDS,
    ),
    Check(
        "reduction.int8_latency", "how many times as fast the file in 8 bits is as in floats", times_as_fast, "x", NONE
    ),
)
