"""Statements and parameters become what libpq takes."""

import datetime as dt
from decimal import Decimal

import psycopg
import pytest

from scholarship_api.platform.database.libpq import numbered, values


def test_names_become_numbers_in_the_order_of_their_first_use() -> None:
    statement = "SELECT %(b)s::int, %(a)s::text, %(b)s::int, 7 %% 2"
    assert numbered(statement) == (b"SELECT $1::int, $2::text, $1::int, 7 % 2", ("b", "a"))


def test_only_the_parameters_of_the_statement_are_sent() -> None:
    assert values(("b", "a"), {"a": "x", "b": None, "c": object()}) == [None, b"x"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("naïve", "naïve"),
        (7, "7"),
        (True, "True"),
        (-0.1, "-0.1"),
        (Decimal("10.50"), "10.50"),
        (dt.date(2027, 3, 1), "2027-03-01"),
        (dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC), "2027-03-01T12:00:00+00:00"),
        ([], "{}"),
        ([1.5, 2], "{1.5,2}"),
        (['a"b', "c\\d", "e,f", ""], r'{"a\"b","c\\d","e,f",""}'),
    ],
)
def test_values_are_sent_as_text(value: object, text: str) -> None:
    assert values(("value",), {"value": value}) == [text.encode()]


def test_a_value_that_postgresql_cannot_store_is_an_error() -> None:
    with pytest.raises(psycopg.DataError):
        values(("q",), {"q": "a\x00b"})
    with pytest.raises(UnicodeEncodeError):
        values(("q",), {"q": "\ud800"})
    with pytest.raises(TypeError):
        values(("q",), {"q": object()})
