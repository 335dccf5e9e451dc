"""The filters of the command `export`: those of GET /scholarships/export, as NAME=VALUE."""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from scholarship_api.errors import ValidationFailed, validation_fields
from scholarship_api.exchange.export.formats import ExportFormat
from scholarship_api.exchange.export.schemas import ExportQuery
from scholarship_api.exchange.export.selection import ByIds, find
from scholarship_api.platform.database.engine import Database
from scholarship_api.search.parts import search_parts
from scholarship_api.settings.settings import load_settings

FILTERS: Final = tuple(
    sorted(ExportQuery.model_fields.keys() - {"format", "excel", "keyword", "query"})
)


def export_query(assignments: Sequence[str], *, export_format: ExportFormat) -> ExportQuery:
    """The query of filters such as `states=CA,NV`. Raises ValidationFailed."""
    given: dict[str, list[str]] = {}
    for assignment in assignments:
        name, separator, value = (part.strip() for part in assignment.partition("="))
        if not separator:
            raise ValidationFailed.of(assignment, "must have the form NAME=VALUE")
        if name not in FILTERS:
            raise ValidationFailed.of(name, f"is no filter; filters are {', '.join(FILTERS)}")
        given.setdefault(name, []).append(value)
    values: dict[str, object] = {"format": export_format}
    for name, each in given.items():
        values[name] = each[0] if len(each) == 1 else each
    try:
        return ExportQuery.model_validate(values)
    except ValidationError as error:
        raise ValidationFailed(validation_fields(map(dict, error.errors()))) from None


async def find_awards(query: ExportQuery) -> ByIds:
    """The awards that the filters leave, found as the API finds them.

    Raises ValidationFailed and DatabaseUnavailable.
    """
    settings = load_settings()
    database = Database(settings)
    parts = search_parts(settings, database)
    try:
        return await find(await parts.answers.snapshot(), query, codec=parts.cursor_codec)
    finally:
        await parts.read_model.close()
        await database.close()
