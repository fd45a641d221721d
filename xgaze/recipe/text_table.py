"""How a table in a text file is to be read, where the file alone leaves a doubt."""

from typing import Literal

from pydantic import BaseModel, Field


class TextTable(BaseModel):
    """encoding: of the text (None: UTF-8, or UTF-16 that shows as such). header: number of the line with the headings, from 1
    (None: the first line that is neither blank nor a comment). spellings: names that differ only in case, blanks, the encoding
    of accents or zeros before a number are asked about, or kept apart, or taken for the same (in the most frequent spelling)."""

    encoding: str | None = None
    header: int | None = Field(None, ge=1)
    spellings: Literal["ask", "apart", "same"] = "ask"


class NumberTable(TextTable):
    """decimal: the decimal sign of numbers (None: the one that the numbers show); the other sign may then part thousands."""

    decimal: Literal[".", ","] | None = None
