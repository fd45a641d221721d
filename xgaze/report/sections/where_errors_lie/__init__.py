"""On which samples a model errs, and on which the student lost."""

from xgaze.report.sections.where_errors_lie import (
    error_by_condition,
    error_by_eccentricity,
    error_over_the_scene,
    targets_beside,
)

SECTION = (
    error_by_eccentricity.SECTION,
    error_over_the_scene.SECTION,
    targets_beside.SECTION,
    error_by_condition.SECTION,
)
