"""Is anybody in two splits?"""

from xgaze.report.check_kinds import Check, at

CHECK = Check(
    "leakage",
    "people (or what else splits keep apart) in two splits",
    at("provenance", "in_two_splits"),
    missing="who was in which split was not stored",
    default="== 0",
)
