"""Are pictures of one name in several classes of one person? Nobody is merged, and nobody taken apart, without being asked."""

from dataclasses import replace
from typing import Literal

import pandas as pd

from xgaze.data.fault_kinds import Fault, listed
from xgaze.data.identities import doubts, zeros_told
from xgaze.data.pictures.picture_labels import PictureRows

Rule = Literal["per-class", "across-classes"]


def with_people(labels: PictureRows, rule: Rule | None) -> PictureRows:
    """Rows whose `participant` is one person: "class/participant" per class, the name alone across classes.

    Without a rule a name that is in several classes is a fault.
    """
    if rule == "per-class":
        return replace(labels, rows=labels.rows.assign(participant=_in_class(labels.rows)))
    return labels if rule else replace(labels, faults=(*labels.faults, *_in_several(labels.rows)))


def with_people_to_predict(labels: PictureRows, rule: Rule | None) -> PictureRows:
    """The same where labels are optional: without a rule, people of several known classes are taken apart."""
    rows = labels.rows
    apart = rule == "per-class" or (rule is None and bool(_shared(rows)))
    if not apart:
        return labels
    told = "" if rule else "participants of the same name in several classes are taken for different people."
    return replace(
        labels, rows=rows.assign(participant=_in_class(rows)), notes=(*labels.notes, *([told] if told else []))
    )


def people_told(rows: pd.DataFrame) -> list[str]:
    """Remarks on names that are taken for those of different people."""
    return zeros_told(list(rows["participant"]), "participants")


def _in_class(rows: pd.DataFrame) -> "pd.Series[str]":
    known = rows["class_name"] != ""
    return rows["participant"].where(~known, rows["class_name"] + "/" + rows["participant"])


def _shared(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Participants of several classes, with their classes."""
    known = rows[(rows["class_name"] != "") & (rows["participant"] != "")]
    classes = {str(name): sorted(set(own)) for name, own in known.groupby("participant", sort=False)["class_name"]}
    return {name: own for name, own in classes.items() if len(own) > 1}


def _in_several(rows: pd.DataFrame) -> list[Fault]:
    shared = _shared(rows)
    if not shared:
        return []
    names, total = listed(list(shared)), rows["participant"].nunique()
    first = next(iter(shared))
    told = (
        f"{len(shared)} of {total} participants are in several classes ({names}; {first} is in "
        f"{' and '.join(shared[first])}): the same people, or others of the same name?"
    )
    return [Fault("name in several classes", told)]


def spelt_alike(labels: PictureRows) -> tuple[Fault, ...]:
    """Doubts about names of files and folders; tables have their own."""
    return doubts(labels.rows["participant"], "participants") + doubts(labels.classes, "classes")
