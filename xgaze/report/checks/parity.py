"""Does the ONNX file compute what the model computes?"""

from typing import Any

from xgaze.report.check_kinds import Check


def largest(report: dict[str, Any]) -> float | None:
    """Deviation of the delivered model's ONNX file from torch, as a fraction of the largest output."""
    found = (report["student"] or report["teacher"])["onnx_parity"]
    return None if found is None else float(found)


CHECK = Check(
    "parity",
    "ONNX against torch: largest deviation, as a part of the largest output",
    largest,
    missing="there is no ONNX file (`xgaze distill` writes it)",
    default="<= 1e-4",
)
