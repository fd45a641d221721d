"""What `xgaze explain` says of its result."""

from pathlib import Path
from typing import Any

from xgaze.report.drawing.format import number
from xgaze.report.words import worst_completeness


def figures_of(stored: dict[str, Any], page: Path) -> dict[str, Any]:
    """What `--json` prints. page: the report, written."""
    return {
        "samples": [one["id"] for one in stored["attribution"]["samples"]],
        **_missing(stored),
        "methods": {"integrated gradients": worst_completeness(stored["attribution"])},
        "checked": stored["methods"],
        "decision": stored["decision"],
        "agreement": stored["agreement"],
        "anatomy": stored["anatomy"],
        "human": stored.get("human"),
        "report": str(page),
        "report_bytes": page.stat().st_size,
    }


def in_words(figures: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """The lines for a person."""
    delta = figures["methods"]["integrated gradients"]
    strongest = stored["sweep"]["variables"][0]
    unit = stored["sweep"].get("unit", "logits")
    digits = 0 if unit == "px" else 2
    reach = f"{next(far for key, far in strongest.items() if key.startswith('reach')):.{digits}f} {unit}"
    return [
        f"Explained {', '.join(figures['samples'])} by integrated gradients; at worst {delta:.2f} % of the output change "
        "is not attributed.",
        f"  The strongest embedding variable (number {strongest['variable']}) moves the prediction by {reach} over its "
        "observed range.",
        *(
            f"  {', '.join(names)} missing in {name}: nothing is attributed to what the models read in its place."
            for name, names in figures.get("missing", {}).items()
        ),
        *_agreement_in_words(stored["agreement"]),
        *_anatomy_in_words(stored["anatomy"]),
        *_human_in_words(stored.get("human")),
        f"Report:  {figures['report']} ({figures['report_bytes'] / 1000:.0f} kB; opens offline)",
    ]


def _missing(stored: dict[str, Any]) -> dict[str, Any]:
    """The views that samples lack, of those that do."""
    lacking = {one["id"]: one["missing"] for one in stored["attribution"]["samples"] if one.get("missing")}
    return {"missing": lacking} if lacking else {}


def _agreement_in_words(agreement: dict[str, Any] | None) -> list[str]:
    if not agreement or not agreement["rows"]:
        return []
    told = ", ".join(f"{one['pair']} {number(one['spearman']['mean'], 2)}" for one in agreement["rows"])
    return [
        f"  Agreement of the maps with the teacher's over {agreement['samples']} test frames (1: the same, 0: unrelated): {told}."
    ]


def _anatomy_in_words(anatomy: dict[str, Any] | None) -> list[str]:
    """The region that each model needs most."""
    if not anatomy:
        return []
    needed: dict[str, dict[str, Any]] = {}
    for row in anatomy["rows"]:
        best = needed.get(row["model"])
        if best is None or row["deletion"]["mean"] > best["deletion"]["mean"]:
            needed[row["model"]] = row
    told = ", ".join(
        f"the {name} by {row['deletion']['mean']:.1f} {anatomy['unit']} ({row['region']})"
        for name, row in needed.items()
    )
    return [f"  The region whose removal moves the prediction most: {told}."]


def _human_in_words(human: dict[str, Any] | None) -> list[str]:
    """Shuffled AUC of every model's maps, and what stands beside them."""
    if not human:
        return []
    told = ", ".join(
        f"{' '.join(filter(None, (row['model'], row['method'])))} {number(row['shuffled_auc']['mean'], 2)}"
        for row in human["rows"]
        if row["shuffled_auc"]
    )
    return [f"  Where people looked, over {human['samples']} test pictures (shuffled AUC, 0.5: by chance): {told}."]
