"""The shortened description of an award."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from scholarship_api.catalogue.summaries import SUMMARY_LENGTH, shortened_description

SHORTENED = {
    "": "",
    "x" * 200: "x" * 200,
    "x" * 201: "x" * 199 + "…",
    "word " * 40: "word " * 40,
    f"{'word ' * 39}wordy, and more": f"{'word ' * 38}word…",
    f"{'x' * 199} y": "x" * 199 + "…",
    f"{'x' * 198}, more": "x" * 198 + "…",
    f"{'x' * 150}. {'y' * 80}": "x" * 150 + "…",
    "line\n" * 60: ("line\n" * 40)[:199] + "…",
    "“Ünïcode” " * 40: "“Ünïcode” " * 19 + "“Ünïcode”…",
}


@pytest.fixture(scope="module")
def database(module_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        yield connection


def shorten(database: psycopg.Connection, text: str) -> str:
    expression = SQL(shortened_description("given.text"))
    row = database.execute(
        SQL("SELECT {} FROM (SELECT %s::text) AS given (text)").format(expression), [text]
    ).fetchone()
    assert row
    shortened: str = row[0]
    return shortened


@pytest.mark.parametrize("text", SHORTENED)
def test_a_description_is_cut_at_a_word(database: psycopg.Connection, text: str) -> None:
    assert shorten(database, text) == SHORTENED[text]


@settings(deadline=None)
@given(st.text(st.sampled_from("ab .,é"), min_size=150, max_size=250))
def test_what_is_shown_is_the_beginning_and_never_too_long(
    database: psycopg.Connection, text: str
) -> None:
    shown = shorten(database, text)
    assert len(shown) <= SUMMARY_LENGTH
    assert shown == text or text.startswith(shown.removesuffix("…"))
