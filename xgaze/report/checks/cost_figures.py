"""What teacher and student take: parameters, bytes, calculations, time; and how many times less the student does."""

from xgaze.report.check_kinds import Check, at
from xgaze.report.checks.loss_figures import NO_STUDENT

NO_ONNX = "not measured: there is no ONNX file"
COSTS = (
    ("parameters", "parameters of the {}", ("parameters",), ""),
    ("fc_parameters", "parameters in fully connected layers of the {}", ("fc_parameters",), ""),
    ("macs", "multiply-accumulates per sample of the {}", ("macs",), ""),
    ("bytes", "size of the {}'s weights file", ("bytes",), "bytes"),
    ("onnx_bytes", "size of the {}'s ONNX file", ("onnx_bytes",), "bytes"),
    ("latency", "median time per sample of the {}, onnxruntime on one thread", ("latency_ms", "median"), "ms"),
)
RATIOS = (
    ("reduction.parameters", "how many times as many parameters the teacher has", "parameter_reduction"),
    (
        "reduction.fc_parameters",
        "how many times as many of them lie in the teacher's fully connected layers",
        "fc_reduction",
    ),
    ("reduction.latency", "how many times as long the teacher takes", "latency_ratio"),
    (
        "reduction.int8_file",
        "how many times as large the teacher's file is as the student's in 8 bits",
        "int8_file_reduction",
    ),
)


def _missing(model: str, key: str) -> str:
    told = (NO_STUDENT,) * (model == "student") + (NO_ONNX,) * (key in ("onnx_bytes", "latency"))
    return ", or ".join(told) or "not in this report"


CHECK = (
    *(
        Check(f"{model}.{key}", words.format(model), at(model, *path), unit, _missing(model, key))
        for model in ("student", "teacher")
        for key, words, path, unit in COSTS
    ),
    *(Check(name, words, at(key), "x", f"{NO_STUDENT}, or not measured") for name, words, key in RATIOS),
)
