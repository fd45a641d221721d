"""What a run cannot show, because of what its recording is, in plain words."""

from typing import Any

VIEWER_AGREEMENT = "viewer-agreement"


def caveats(report: dict[str, Any]) -> list[str]:
    """Sentences; none where nothing but the figures' intervals limits what may be said."""
    data = report["recipe"].get("settings", {}).get("data", {})
    told = _of_agreement(data) if data.get("source") == VIEWER_AGREEMENT else []
    return told + _of_people(report.get("human"))


def _of_agreement(data: dict[str, Any]) -> list[str]:
    share = data.get("share", 1 / 3)
    told = [
        f"The label is made from gaze: the {100 * share:.0f} % of pictures on which {data.get('labelling_viewers', 8)} viewers "
        f"agree most against the {100 * share:.0f} % on which they agree least. Pictures in between were left out: "
        "the figures hold for clear cases alone.",
    ]
    if data.get("attention") == "input":
        told.append(
            "At test the model is given the map of what the other viewers looked at. That map itself betrays agreement: one "
            "spot where viewers agree, many where they differ. So this is an upper bound, not a fair rival of models that see "
            "the photograph alone."
        )
    elif data.get("attention") == "training":
        told.append("Maps of the other viewers may guide training; at test the models see the photograph alone.")
    return told


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
