"""What a run cannot show, because of what its recording is, in plain words."""

from typing import Any

from xgaze.recipe.sources import known_source
from xgaze.report.claims import ADOPTED, is_adopted
from xgaze.report.words import has_labels


def caveats(report: dict[str, Any]) -> list[str]:
    """Sentences; none where nothing but the figures' intervals limits what may be said."""
    data = report["recipe"].get("settings", {}).get("data", {})
    source = known_source(data)
    return [*_of_adopted(report), *(source.caveats(data) if source else []), *_of_people(report.get("human"))]


def _of_adopted(report: dict[str, Any]) -> list[str]:
    if not is_adopted(report):
        return []
    if not has_labels(report):
        return [
            f"The teacher was {ADOPTED}. Nor is it known how right it is: a student that says what the teacher says is wrong "
            "where the teacher is, and one that differs from it may be better or worse. Only labels can tell."
        ]
    return [
        f"The teacher was {ADOPTED}. If they were, its error on new people is higher than the one shown here, and a student that "
        "was tuned without them is compared with it unfairly."
    ]


def _of_people(human: dict[str, Any] | None) -> list[str]:
    if not human:
        return []
    told = [
        "That a model's maps lie where people look does not show that it sees what they see, or that it is right for it."
    ]
    if human["map_is_input"]:
        told.append(
            "This model is given the human map itself and blanks what nobody looked at, so that integrated gradients lie "
            "there by its construction."
        )
    if human["fixations"] != "recorded":
        told.append("Single viewers are not known here: fixations were drawn from the maps, and there is no ceiling.")
    return told
