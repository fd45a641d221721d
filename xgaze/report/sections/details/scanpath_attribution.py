"""What integrated gradients say of scanpaths and graphs, picked from report.json for drawing: per sample and target."""

from dataclasses import dataclass
from typing import Any

from xgaze.report.drawing.format import number
from xgaze.report.drawing.images import SAMPLES_SHOWN, targets_of
from xgaze.units import digits_of

PARTS = {"scanpath": "by_fixation", "graph": "by_node"}
PER = {"scanpath": "per fixation", "graph": "per cell"}


@dataclass(frozen=True)
class Drawn:
    """One figure. name: of its chart and its table. found: the sample's part of report.json. values: model -> attribution of
    every fixation or cell, of the models whose attributions may be shown; refused: why those of others may not. scale: the
    largest of them."""

    name: str
    kind: str
    sample: dict[str, Any]
    target: str
    unit: str
    values: dict[str, list[float]]
    refused: dict[str, str]
    scale: float

    @property
    def found(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sample[self.kind]
        return found

    @property
    def per(self) -> str:
        return PER[self.kind]

    @property
    def digits(self) -> int:
        return digits_of(self.unit)

    def by_feature(self) -> dict[str, dict[str, float]]:
        """Model -> feature -> attribution, of the models shown."""
        return {model: self.found["by_feature"][model][self.target] for model in self.values}

    def complete(self, model: str) -> str:
        """How much the attributions of a model explain, in words."""
        explained, missed = (self.sample[key][model][self.target] for key in ("explained", "completeness_percent"))
        return f"{model}: explains {number(explained, self.digits)} {self.unit}, {number(missed, 2)} % unexplained"


def drawn_of(report: dict[str, Any]) -> list[Drawn]:
    """All that is to be drawn, in the order of the samples."""
    section = report["attribution"]
    return [
        _drawn(report, f"sample-{k}-{kind}-{place}", kind, sample, target)
        for k, sample in enumerate(section["samples"][:SAMPLES_SHOWN] if section else [])
        for place, target in enumerate(targets_of(sample))
        for kind in PARTS
        if sample.get(kind)
    ]


def _drawn(report: dict[str, Any], name: str, kind: str, sample: dict[str, Any], target: str) -> Drawn:
    section = report["attribution"]
    refused = {
        one["role"]: one["reason"]
        for one in report["methods"] or []
        if one["name"] == section["method"] and not one["offered"] and one.get("target") in (None, target)
    }
    by_model = sample[kind][PARTS[kind]]
    values = {model: by[target] for model, by in by_model.items() if model not in refused}
    scale = max((abs(one) for own in values.values() for one in own), default=0.0)
    kept = {model: reason for model, reason in refused.items() if model in by_model}
    return Drawn(name, kind, sample, target, section["target_unit"], values, kept, max(scale, 1e-12))
