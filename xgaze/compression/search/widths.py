"""Channel counts that cost nothing: processors compute some widths as fast as smaller ones, so the wider one is taken."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from xgaze.compression.export.onnx import export_onnx, measure_latency_ms, open_session
from xgaze.compression.plan import MULTIPLES, Plan
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.rehearsal import few_frames, rehearse
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of


def rounded_as_fast(bench: Bench, plan: Plan) -> Plan:
    """The plan with channel counts rounded up to the largest of MULTIPLES that makes it no slower."""
    plans = {one.multiple: one for one in rehearse(bench, (replace(plan, multiple=k) for k in MULTIPLES)).plans}
    measured = {multiple: latency_of_plan(bench, one) for multiple, one in plans.items()}
    return plans[largest_as_fast(measured)]


def largest_as_fast(latency_ms: Mapping[int, float], tolerance: float = 0.02) -> int:
    """The largest whose latency is at most `tolerance` above that of the smallest: more channels lose less."""
    allowed = latency_ms[min(latency_ms)] * (1 + tolerance)
    return max(multiple for multiple, each in latency_ms.items() if each <= allowed)


def latency_of_plan(bench: Bench, plan: Plan) -> float:
    """Median of the untrained student, one thread of onnxruntime; its weights are of few frames, which time does not see."""
    student = bench.build(plan, lambda model: few_frames(bench, model)).student
    inputs = next(iter(ordered_batches(bench.recording, rows_of(bench.recording, "validation")[:1]))).inputs
    with TemporaryDirectory() as folder:
        file = Path(folder) / "student.onnx"
        export_onnx(student, bench.recording.spec, file)
        return measure_latency_ms(open_session(file), inputs).median
