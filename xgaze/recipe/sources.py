"""The data section of a recipe, validated by the source that its tag names: a file of `xgaze.data.sources`, or registered."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from pydantic import SerializeAsAny, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticKnownError

from xgaze.catalogue import Catalogue
from xgaze.errors import InputError
from xgaze.recipe.data_sections import DataSection


class Described(Protocol):
    """What recipes and reports need to know of a source; `xgaze.data.source.Source` is all of it."""

    @property
    def name(self) -> str: ...

    @property
    def section(self) -> type[DataSection]: ...

    @property
    def in_memory(self) -> bool: ...

    @property
    def samples(self) -> str: ...

    def caveats(self, stored: Mapping[str, Any]) -> list[str]: ...


SOURCES: Catalogue[Described] = Catalogue("data source", "xgaze.data.sources", "SOURCE")


def known_source(stored: Any) -> Described | None:
    """The source of a data section as it is stored; None where its tag names none. Imports that source alone."""
    try:
        return SOURCES[str(stored["source"])]
    except (InputError, KeyError, TypeError):
        return None


def section_of(stored: Any) -> type[DataSection] | None:
    """The schema of a data section as it is stored; None where its tag names no source."""
    source = known_source(stored)
    return source.section if source else None


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
