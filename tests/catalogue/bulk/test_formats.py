"""Cells that a spreadsheet would run as formulas."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk.formats import neutralise, restore

FORMULA_TEXT = st.text(st.sampled_from("'\" =+-@\t\r\n\u00a0\uff1da1"), max_size=8) | st.text()


@settings(deadline=None)
@given(FORMULA_TEXT)
@example("'")
@example("'=1")
@example("''=1")
@example("' '\"=1")
def test_neutralised_text_is_restored_exactly(text: str) -> None:
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '"=1', "'=1", "\uff1d1", " \u00a0-2"],
)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutralise(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "'quoted'", "O'Brien", "1-2", " text", "(=1)"])
def test_other_text_is_left_alone(text: str) -> None:
    assert neutralise(text) == text
    assert restore(text) == text
