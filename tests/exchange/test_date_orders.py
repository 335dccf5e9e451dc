"""The order of dates that the dates of a column leave, and how sure the report is of it."""

from typing import Any

import pytest

from scholarship_api.exchange.date_orders import order_in_header, order_of_column
from scholarship_api.exchange.sources import ImportFormat
from scholarship_api.exchange.values.dates import DateOrder
from tests.exchange.spreadsheets import delimited
from tests.exchange.tables import preview


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["3/4/2027", "4/15/2027"], DateOrder.MDY),
        (["3/4/2027", "15/4/2027"], DateOrder.DMY),
        (["Jan 15 - 3/4/2027", "until 4/15/2027"], DateOrder.MDY),
        (["3/4/2027", "5/6/2027"], None),
        (["4/15/2027", "15/4/2027"], None),
        (["3/4/2027", "2027-04-15"], None),
        (["Rolling", ""], None),
    ],
)
def test_one_order_is_found_or_none(dates: list[str], order: DateOrder | None) -> None:
    found = order_of_column(dates)
    assert (None if found is None else found.order) == order


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("Deadline (MM/DD/YYYY)", DateOrder.MDY),
        ("Due date dd.mm.yy", DateOrder.DMY),
        ("Closes, yyyy-mm-dd", DateOrder.YMD),
        ("Deadline (d/m/y)", DateOrder.DMY),
        ("Deadline (Y/N)", None),
        ("Deadline", None),
    ],
)
def test_a_header_may_state_the_order(header: str, order: DateOrder | None) -> None:
    assert order_in_header(header) == order


def test_the_note_says_how_many_dates_settle_the_order() -> None:
    found = order_of_column(["3/4/2027", "5/6/2027", "7/7/2027", "4/15/2027", "12/31/2027"])
    assert found is not None
    assert found.note("Deadline") == (
        "Deadline: 2 dates with several readings, such as 3/4/2027, read month first (mdy)"
        " because 2 others leave no choice, such as 4/15/2027"
    )


def test_the_note_warns_when_a_single_date_settles_the_order() -> None:
    found = order_of_column(["3/4/2027", "15/4/2027"])
    assert found is not None
    assert found.note("Deadline") == (
        "Deadline: 1 date with several readings, such as 3/4/2027, read day first (dmy)"
        " because of a single other date, 15/4/2027; if that is a slip, all of them may be wrong:"
        " give the order of dates to be sure"
    )


def test_the_note_names_no_evidence_when_no_date_alone_settles_the_order() -> None:
    # The first is month or day first, the second day or year first.
    found = order_of_column(["3/4/2027", "27-04-05"])
    assert found is not None
    assert "because no other order suits all dates of the column" in found.note("Deadline")


def notes(*dates: str, **options: Any) -> list[str]:  # noqa: ANN401 - those of ImportOptions
    rows = [(f"Award {number}", "Acme", date) for number, date in enumerate(dates, start=1)]
    content = delimited(("Name", "Organization", "Deadline"), *rows)
    shown = preview(content, ImportFormat.CSV, **options)
    return [note for note in shown.notes if note.startswith("Deadline:")]


def test_the_preview_has_a_note_for_each_column_whose_order_was_derived() -> None:
    [note] = notes("3/4/2027", "4/15/2027")
    assert "read month first (mdy)" in note


@pytest.mark.parametrize(
    ("dates", "options"),
    [
        (["4/15/2027", "12/31/2027"], {}),  # no date has another reading
        (["7/7/2027", "4/15/2027"], {}),
        (["3/4/2027", "5/6/2027"], {}),  # an error tells that
        (["3/4/2027", "4/15/2027"], {"date_order": DateOrder.MDY}),
    ],
)
def test_there_is_no_note_when_nothing_was_derived(
    dates: list[str], options: dict[str, object]
) -> None:
    assert notes(*dates, **options) == []
