"""What a run cannot show, because of what its recording is; and whether its models look where people look. In plain words."""

from typing import Any

from xgaze.report.drawing.format import spread

VIEWER_AGREEMENT = "viewer-agreement"
BETTER_LOW = ("kl",)


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


def where_people_look(human: dict[str, Any]) -> str:
    """Every model's shuffled AUC, beside the centre bias and the ceiling, and what the student changed."""
    rows = [row for row in human["rows"] if row.get("shuffled_auc")]
    told = [f"{_named(row)} {spread(row['shuffled_auc'], 2)}" for row in rows]
    first = (
        f"Shuffled AUC of the maps at the places looked at (0.5: no better than other pictures' places), over "
        f"{human['samples']} test pictures: {'; '.join(told)}."
    )
    changed = [
        f"by {one['method']} {spread(one['shuffled_auc'], 3)}"
        for one in human["differences"]
        if (one["first"], one["second"]) == ("student", "teacher") and one["shuffled_auc"]
    ]
    return f"{first} Student minus teacher: {', '.join(changed)}." if changed else first


def _named(row: dict[str, Any]) -> str:
    return f"{row['model']} ({row['method']})" if row["method"] else str(row["model"])
