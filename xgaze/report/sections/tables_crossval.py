"""Tables of a cross validation: measures, folds, participants, confusion matrices, history."""

from typing import Any

from xgaze.report.drawing.format import DASH, general, number, spread
from xgaze.report.drawing.tables import Table, between, table, value


def crossval_tables(name: str, found: dict[str, Any]) -> dict[str, Table]:
    """All tables of one cross validation; names begin with `name`, as those of their charts."""
    tables = {f"{name}-score": _measures(found), f"{name}-folds": _folds(found)}
    if found["confusion"]:
        tables[f"{name}-sum"] = _sum(found["confusion"])
    tables[f"{name}-people"] = _people(found)
    if found["history"]:
        tables[f"{name}-history"] = _history(found["history"])
    return tables


def _digits(found: dict[str, Any]) -> int:
    return 3 if found["confusion"] else 1


def _measures(found: dict[str, Any]) -> Table:
    baselines, digits = list(found["baselines"]), _digits(found)
    rows = [
        (
            row["measure"],
            *(between(row[name], digits) for name in ("teacher", *baselines)),
            *(between(row[f"against {name}"], digits) for name in baselines),
        )
        for row in found["measures"]
    ]
    columns = ("measure", "teacher", *baselines, *(f"teacher minus {name}" for name in baselines))
    caption = f"In brackets: 95 % interval over {found['groups']}. A difference whose interval holds zero is inside the noise."
    return table("Scores of the cross validation", columns, rows, caption=caption)


def _folds(found: dict[str, Any]) -> Table:
    digits = _digits(found)
    rows = [
        (
            f"{row['fold']}" if row["seed"] == 0 else f"{row['fold']}, seed {row['seed'] + 1}",
            str(len(row["participants"])),
            str(row["samples"]),
            value(row["score"], digits),
            ", ".join(map(str, row["best_epochs"])),
            str(row["epochs"]),
        )
        for row in found["per_fold"]
    ]
    columns = ("fold", "participants", "samples", found["score"]["unit"], "best epochs inside", "epochs trained")
    return table("Folds", columns, rows, words=(0, 4))


def _sum(confusion: dict[str, Any]) -> Table:
    classes = confusion["classes"]
    rows = [(name, *map(str, counts)) for name, counts in zip(classes, confusion["sum"], strict=True)]
    return table("Confusion matrix", ("truth", *(f"told {name}" for name in classes)), rows)


def _people(found: dict[str, Any]) -> Table:
    if not found["confusion"]:
        rows = [(one["participant"], str(one["samples"]), value(one["error"])) for one in found["per_participant"]]
        return table("Participants", ("participant", "samples", f"mean error, {found['score']['unit']}"), rows)
    matrices = {one["participant"]: one["matrix"] for one in found["confusion"]["participants"]}
    if not matrices:
        bare = [
            (one["participant"], str(one["samples"]), value(one["right_percent"])) for one in found["per_participant"]
        ]
        return table("Participants", ("participant", "samples", "right, %"), bare)
    told = [
        (one["participant"], str(one["samples"]), value(one["right_percent"]), _in_line(matrices[one["participant"]]))
        for one in found["per_participant"]
    ]
    caption = f"Matrices row by row, classes in the order {', '.join(found['confusion']['classes'])}."
    return table("Participants", ("participant", "samples", "right, %", "matrix"), told, words=(0, 3), caption=caption)


def _in_line(matrix: list[list[int]]) -> str:
    return " / ".join(" ".join(map(str, row)) for row in matrix)


def _history(history: list[dict[str, Any]]) -> Table:
    figures = list(dict.fromkeys(key for row in history for key in row if key not in ("seed", "fold", "epoch")))
    rows = [
        (f"{row['fold']}", str(row["epoch"]), *(general(row[key]) if key in row else DASH for key in figures))
        for row in history
        if row["seed"] == 0
    ]
    caption = "The first seed; all seeds: crossval_history.csv beside this page."
    return table("History", ("fold", "epoch", *(key.replace("_", " ") for key in figures)), rows, caption=caption)


def _pooled(score: dict[str, Any]) -> str:
    """How folds become one score: outputs of two folds' models cannot be ordered."""
    return "taken within folds and averaged by their pairs" if score["unit"] == "AUC" else "pooled over all of them"


def crossval_words(found: dict[str, Any]) -> list[str]:
    """What the section says before its figures."""
    score, settings = found["score"], found["settings"]
    digits, who = _digits(found), found["groups"]
    seeds = f", {settings['seeds']} times from other seeds" if settings["seeds"] > 1 else ""
    told = [
        f"{found['participants_tested']} of {found['participants']} {who} were tested, in {found['folds']} folds{seeds}: "
        f"{score['unit']} {spread(score, digits)}, {_pooled(score)}. In brackets: 95 % interval over {who}."
    ]
    if chance := found["permutation"]:
        told.append(
            f"With classes permuted among {who} ({chance['permutations']:,} times) the {chance['score']} is "
            f"{number(chance['mean'], 3)} on average, and as high as ours with p = {number(chance['p'], 3)}."
        )
    return told
