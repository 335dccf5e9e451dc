"""The preview of an import in answers."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from scholarship_api.catalogue.schemas import ImportFault
from scholarship_api.exchange.values.dates import DateOrder
from scholarship_api.input_limits import RequestModel, ShortList

MAX_ASSIGNMENT: Final = 500
"""Characters of `map` and `set`: a header, or the name of an organization."""

CommaFree = ShortList[Annotated[str, Field(max_length=MAX_ASSIGNMENT)]]
"""A list whose items may have commas."""


class PreviewColumn(BaseModel):
    column: str = Field(description="The header, as the file has it.")
    field: str | None = Field(
        description="The field that the cells are read as; null: they are kept as text."
    )
    hidden: bool = Field(description="Whether the spreadsheet hides it, so that it is passed over.")


class PreviewCell(BaseModel):
    column: str
    value: str = Field(description="The text of the cell, shortened.")
    became: dict[str, Any] = Field(description="The fields that the cell gives, by dotted names.")
    kept_as: str = Field(
        description="The field that holds the text of the cell, where no other field does."
    )
    note: str = Field(description="An assumption, or why the cell gives nothing.")
    error: str = Field(description="Why the cell cannot be read.")


class PreviewRow(BaseModel):
    line: int
    award: dict[str, Any] | None = Field(
        description="The award that would be written; null if the row is refused."
    )
    cells: list[PreviewCell]
    errors: list[ImportFault]


class ImportPreview(BaseModel):
    """The first rows of a file, and the awards that they would become."""

    columns: list[PreviewColumn]
    rows: list[PreviewRow]
    problems: list[str] = Field(description="Why no row can be imported, and what to do.")
    notes: list[str] = Field(
        description="What is assumed, kept as text or passed over in the rows shown."
    )


class ImportRequest(RequestModel):
    """How to read the file of an import; most of it is found in the file itself."""

    format: Literal["nspa", "common-grants"] | None = Field(
        None, description="The standard of a document that is sent as application/json."
    )
    lenient: bool = Field(
        False, description="Write rows with values that cannot be read, as drafts that have them."
    )
    date_order: DateOrder | None = Field(
        None, description="The order of dates such as 3/4/2027, unless a column leaves only one."
    )
    map: CommaFree = Field(
        [], description="A column's field, as `Due Date=application_deadline`. Repeatable."
    )
    set: CommaFree = Field(
        [], description="A value for rows that give none, as `organization=Acme`. Repeatable."
    )
    sheet: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="A sheet of a workbook; the first one with a table unless given."
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="Between the cells of CSV; found in the file unless given."
    )
    encoding: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="Of CSV, as windows-1252; found in the file unless given."
    )
    header_line: Annotated[int, Field(ge=1, le=1_048_576)] | None = Field(
        None, description="The line of the header; found in the file unless given."
    )
