"""Cells that a spreadsheet would run as formulas."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk.formats import neutralise, restore

SEPARATORS = ",;|\t\r\n"
FORMULA_TEXT = (
    st.text(st.sampled_from(f"'\" =+-@\u00a0\uff1da1{SEPARATORS}"), max_size=8) | st.text()
)


@settings(deadline=None)
@given(FORMULA_TEXT)
@example("'")
@example("'=1")
@example("''=1")
@example("' '\"=1")
@example("a;'=1")
@example("a;''=1")
@example("\n'=1")
def test_neutralised_text_is_restored_exactly(text: str) -> None:
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", '"=1', "'=1", "\uff1d1", " \u00a0-2"],
)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutralise(text) == f"'{text}"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("formula", ["=cmd|x", "+1", "-1", "@SUM(A1)", " =1", "'=1", "\uff1d1"])
def test_formulas_behind_a_separator_are_neutralised(separator: str, formula: str) -> None:
    neutralised = neutralise(f"a{separator}{formula}{separator}{formula}")
    assert neutralised == f"a{separator}'{formula}{separator}'{formula}"


@given(FORMULA_TEXT, st.sampled_from(SEPARATORS))
def test_no_separator_begins_a_cell_that_runs(text: str, separator: str) -> None:
    for cell in neutralise(text).split(separator):
        assert not re.match('[ \u00a0"]*[=+@\uff1d\uff0b\uff20-]', cell)


@pytest.mark.parametrize(
    "text",
    ["", "a=1", "'quoted'", "O'Brien", "1-2", " text", "(=1)", "a, b; c", "a;b=1", "well-known"],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert neutralise(text) == text
    assert restore(text) == text
