"""Statements that read awards as rows of files whose import changes nothing.

The rows hold the fields that an import can set. Versions and times of change are left out, so that
the same catalogue gives the same bytes on any server.
"""

from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from scholarship_api.catalogue.bulk.formats import (
    CSV_COLUMNS,
    FORMULA_AT_START,
    FORMULA_INSIDE,
    LIST_SEPARATOR,
)
from scholarship_api.catalogue.columns import (
    BOOLEAN_FIELDS,
    CRITERIA_FIELDS,
    LIST_FIELDS,
    PART_FIELDS,
    TOP_LEVEL_FIELDS,
)
from scholarship_api.catalogue.stored_awards import COLUMNS
from scholarship_api.vocabulary import Status

_NUMBERS_AND_DATES: Final = frozenset(
    {
        "amount_min",
        "amount_max",
        "max_awards",
        "application_deadline",
        "notification_date",
        "recommendation_letters",
        "min_gpa",
        "max_gpa",
        "min_age",
        "max_age",
        "last_verified_on",
    }
)


def without_escapes(rows: bytes | bytearray) -> bytes:
    """The rows of a COPY of JSON text, which has no control characters: COPY escapes nothing in it
    but backslashes."""
    return bytes(rows.replace(rb"\\", b"\\"))


def of_status(status: Status | None) -> Composable:
    """The condition that an award has this status; None: any."""
    return SQL("true") if status is None else SQL("status = {}").format(Literal(status.value))


def _source(condition: Composable) -> Composable:
    # The order of collation "C" is the same on every server.
    return SQL('FROM scholarships AS s WHERE {} ORDER BY id COLLATE "C"').format(condition)


def _instant(column: Composable) -> Composable:
    """ISO 8601 in UTC, with a fraction of a second if it has one."""
    return SQL(
        "to_char({0} AT TIME ZONE 'UTC', CASE WHEN {0} = date_trunc('second', {0})"
        """ THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END)"""
    ).format(column)


def _json_value(name: str) -> Composable:
    column = Identifier(name)
    value = _instant(column) if name == "application_deadline" else column
    return SQL("{} AS {}").format(value, column)


def copy_json(condition: Composable) -> Composed:
    """A COPY of the awards that meet a condition, each as JSON with the fields of an import."""
    fields: list[Composable] = []
    for name in TOP_LEVEL_FIELDS:
        fields.append(_json_value(name))
        if name == "recommendation_letters":  # the criteria follow this field in answers of the API
            criteria = SQL(", ").join(_json_value(criterion) for criterion in CRITERIA_FIELDS)
            fields.append(
                SQL(
                    "(SELECT row_to_json(criteria) FROM (SELECT {}) AS criteria)"
                    " AS eligibility_criteria"
                ).format(criteria)
            )
    fields += map(_json_value, PART_FIELDS)
    return SQL("COPY (SELECT row_to_json(award) FROM (SELECT {} {}) AS award) TO STDOUT").format(
        SQL(", ").join(fields), _source(condition)
    )


def _csv_value(name: str) -> Composable:
    column = Identifier(name)
    if name == "application_deadline":
        return SQL("{} AS {}").format(_instant(column), column)
    if name in BOOLEAN_FIELDS:
        return SQL("{0}::text AS {0}").format(column)
    if name in _NUMBERS_AND_DATES:
        return column
    text: Composable = column
    if name in PART_FIELDS:
        text = SQL("{}::text").format(column)
    elif name in LIST_FIELDS:
        text = SQL("array_to_string({}, {})").format(column, Literal(LIST_SEPARATOR))
    return SQL("{} AS {}").format(_neutralised(text), column)


def _neutralised(text: Composable) -> Composable:
    """The same as `formats.neutralise`."""
    return SQL(
        "CASE WHEN {text} ~ {at_start} THEN '''' ELSE '' END"
        " || regexp_replace({text}, {inside}, {apostrophe}, 'g')"
    ).format(
        text=text,
        at_start=Literal(FORMULA_AT_START),
        inside=Literal(FORMULA_INSIDE),
        apostrophe=Literal(r"\1'"),
    )


def copy_csv(condition: Composable, *, header: bool) -> Composed:
    """A COPY of the awards that meet a condition, as CSV with CSV_COLUMNS."""
    return SQL("COPY (SELECT {} {}) TO STDOUT (FORMAT csv, HEADER {})").format(
        SQL(", ").join(map(_csv_value, CSV_COLUMNS)), _source(condition), Literal(header)
    )


def copy_stored(condition: Composable) -> Composed:
    """A COPY of the awards that meet a condition, each as JSON for `stored_awards.from_row`."""
    return SQL("COPY (SELECT row_to_json(award) FROM (SELECT {} {}) AS award) TO STDOUT").format(
        SQL(COLUMNS), _source(condition)
    )
