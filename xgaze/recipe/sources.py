"""The data section of a recipe, validated by the source that its tag names: a file of `xgaze.data.sources`, or registered."""

from typing import Annotated, Any, Protocol

from pydantic import SerializeAsAny, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticKnownError

from xgaze.catalogue import Catalogue
from xgaze.errors import InputError
from xgaze.recipe.data_sections import DataSection


class Described(Protocol):
    """What a recipe needs to know of a source; `xgaze.data.source.Source` is all of it."""

    @property
    def name(self) -> str: ...

    @property
    def section(self) -> type[DataSection]: ...


SOURCES: Catalogue[Described] = Catalogue("data source", "xgaze.data.sources", "SOURCE")


def section_of(stored: Any) -> type[DataSection] | None:
    """The schema of a data section as it is stored; None where its tag names no source. Imports that source alone."""
    try:
        return SOURCES[str(stored["source"])].section
    except (InputError, KeyError, TypeError):
        return None


def _of_its_source(stored: Any, _: ValidatorFunctionWrapHandler) -> DataSection:
    if isinstance(stored, DataSection):
        return stored
    if not isinstance(stored, dict):
        raise PydanticKnownError("model_attributes_type")
    if "source" not in stored:
        raise PydanticKnownError("union_tag_not_found", {"discriminator": "'source'"})
    section = section_of(stored)
    if section is None:
        known = ", ".join(f"'{name}'" for name in SOURCES)
        told = {"discriminator": "'source'", "tag": str(stored["source"]), "expected_tags": known}
        raise PydanticKnownError("union_tag_invalid", told)
    return section.model_validate(stored)


Data = Annotated[SerializeAsAny[DataSection], WrapValidator(_of_its_source)]
