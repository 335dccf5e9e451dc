"""The parameters of an export over HTTP."""

from pydantic import Field, model_validator

from scholarship_api.exchange.export.formats import ExportFormat
from scholarship_api.search.filter_schemas import Filters, without_empty
from scholarship_api.search.schemas import SearchRequest, refuse_private_filters


class ExportQuery(Filters):
    """The filters of the search, without its pages and its order."""

    format: ExportFormat = Field(ExportFormat.NDJSON, description="The format of the file.")
    excel: bool = Field(
        False, description="For CSV: begin with a byte order mark, by which Excel knows UTF-8."
    )
    include_closed: bool = Field(False, description="Keep awards whose deadline has passed.")

    @model_validator(mode="before")
    @classmethod
    def _of_a_url(cls, values: object) -> object:
        return without_empty(refuse_private_filters(values))

    def as_search(self) -> SearchRequest:
        filters = self.model_dump(exclude_unset=True, exclude={"format", "excel"})
        return SearchRequest.model_validate({**filters, "interpret": False, "limit": 1})
