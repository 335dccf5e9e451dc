"""Values as people write them: each has one reading, or is refused with a reason."""

import contextlib
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scholarship_api.exchange.fields import _READERS, read_cell
from scholarship_api.exchange.values.dates import DateOrder
from scholarship_api.exchange.values.deadlines import deadline
from scholarship_api.exchange.values.money import money
from scholarship_api.exchange.values.reading import UnreadableValueError
from scholarship_api.exchange.values.settings import ReadingSettings

TODAY = dt.date(2026, 11, 30)
SETTINGS = ReadingSettings(TODAY)


def read(target: str, text: str) -> dict[str, Any]:
    return dict(read_cell(target, text, SETTINGS).fields)


def both(low: int | str, high: int | str | None, currency: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"amount_min": Decimal(low)}
    if high is not None:
        found["amount_max"] = Decimal(high)
    return found | ({"currency": currency} if currency else {})


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("$5,000", both(5000, 5000, "USD")),
        ("5000", both(5000, 5000)),
        ("$5,000.00", both(5000, 5000, "USD")),
        ("1,000-2,500 EUR", both(1000, 2500, "EUR")),
        ("$1,000 \u2013 $2,500", both(1000, 2500, "USD")),
        ("between $500 and $1000", both(500, 1000, "USD")),
        ("between five hundred and one thousand dollars", both(500, 1000, "USD")),
        ("$1-2k", both(1000, 2000, "USD")),
        ("1.500,00 €", both(1500, 1500, "EUR")),
        ("CHF 1'500.50", both("1500.5", "1500.5", "CHF")),
        ("1 500 EUR", both(1500, 1500, "EUR")),
        ("₹1,00,000", both(100_000, 100_000, "INR")),
        ("C$500", both(500, 500, "CAD")),
        ("$500 CAD", both(500, 500, "CAD")),
        ("$2.5 million", both(2_500_000, 2_500_000, "USD")),
        ("hasta $500", {"amount_max": Decimal(500), "currency": "USD"}),
        ("desde $1,000", both(1000, None, "USD")),
        ("entre $500 y $1,000", both(500, 1000, "USD")),
        ("500 a 1.000 EUR", both(500, 1000, "EUR")),
        ("from $1,000", both(1000, None, "USD")),
        ("$500+", both(500, None, "USD")),
        ("up to 5k", {"amount_max": Decimal(5000)}),
        ("not to exceed $2,000", {"amount_max": Decimal(2000), "currency": "USD"}),
        ("Five thousand dollars", both(5000, 5000, "USD")),
        ("two $1,000 awards", {"max_awards": 2, **both(1000, 1000, "USD")}),
        ("$1,000 (2 awards)", {"max_awards": 2, **both(1000, 1000, "USD")}),
    ],
)
def test_amounts(text: str, fields: dict[str, object]) -> None:
    assert money(text).fields == fields


@pytest.mark.parametrize(
    ("text", "coverage"),
    [
        ("full tuition", {"kind": "full_tuition", "components": ["tuition"]}),
        ("full ride", {"kind": "full_cost", "text": "full ride"}),
        ("varies", {"kind": "varies", "text": "varies"}),
        ("Up to full tuition", {"kind": "varies", "components": ["tuition"]}),
        ("50% of tuition", {"kind": "percent", "percent": 50, "components": ["tuition"]}),
        ("$1,500/yr", {"kind": "amount", "per": "year"}),
        ("$1,000 x 4 years", {"kind": "amount", "years": 4, "renewal": "multi_year"}),
        ("$500 book voucher", {"kind": "amount", "text": "$500 book voucher"}),
        ("Laptop", {"kind": "in_kind", "text": "Laptop"}),
    ],
)
def test_coverage(text: str, coverage: dict[str, object]) -> None:
    fields = money(text).fields
    found = {
        name.removeprefix("coverage."): value
        for name, value in fields.items()
        if name.startswith("coverage.")
    }
    assert found.items() >= coverage.items()


@pytest.mark.parametrize(
    "text",
    [
        "-500",
        "($500)",
        "hello",
        "1e9",
        "kr 5000",
        "₤500",
        "$5 or €6",
        "12,34,5",
        "$20,000 total ($5,000 per year)",
    ],
)
def test_amounts_without_one_reading_are_refused(text: str) -> None:
    with pytest.raises(UnreadableValueError):
        money(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2027-03-04", "2027-03-04"),
        ("2027/3/4", "2027-03-04"),
        ("March 4, 2027", "2027-03-04"),
        ("4th of March 2027", "2027-03-04"),
        ("4-Mar-27", "2027-03-04"),
        ("4 de marzo de 2027", "2027-03-04"),
        ("jueves, 4 de marzo del 2027", "2027-03-04"),
        ("1º de diciembre de 2027", "2027-12-01"),
        ("4/ene/2027", "2027-01-04"),
        ("4. März 2027", "2027-03-04"),
        ("1er août 2027", "2027-08-01"),
        ("4 fevereiro 2027", "2027-02-04"),
        ("hasta el 4 de marzo de 2027", "2027-03-04"),
        ("Thursday, March 4th, 2027", "2027-03-04"),
        ("Deadline: March 4, 2027", "2027-03-04"),
        ("4/13/2027", "2027-04-13"),
        ("13.4.2027", "2027-04-13"),
        ("4/4/2027", "2027-04-04"),
        ("March 4, 2027 midnight", "2027-03-04"),
        ("March 4, 2027 5:00 PM", "2027-03-04T17:00:00"),
        ("noon on March 4, 2027", "2027-03-04T12:00:00"),
    ],
)
def test_days(text: str, day: str) -> None:
    assert read("application_deadline", text) == {
        "application_deadline": day,
        "deadline_kind": "fixed",
    }


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Rolling", {"deadline_kind": "rolling"}),
        ("TBA", {"deadline_kind": "unknown"}),
        ("Todo el año", {"deadline_kind": "rolling"}),
        ("Por confirmar", {"deadline_kind": "unknown"}),
        (
            "15 de enero al 1 de marzo de 2027",
            {"rounds": [{"opens_at": "2027-01-15", "closes_at": "2027-03-01"}]},
        ),
        ("Open until filled", {"rounds": [{"kind": "until_filled"}]}),
        (
            "Oct 1, 2027; March 1, 2028",
            {"rounds": [{"closes_at": "2027-10-01"}, {"closes_at": "2028-03-01"}]},
        ),
        (
            "Fall: Oct 1, 2027 and Spring: Mar 1, 2028",
            {
                "rounds": [
                    {"key": "fall", "closes_at": "2027-10-01"},
                    {"key": "spring", "closes_at": "2028-03-01"},
                ]
            },
        ),
        (
            "Jan 15 - Mar 1, 2027",
            {"rounds": [{"opens_at": "2027-01-15", "closes_at": "2027-03-01"}]},
        ),
        (
            "October 1",
            {
                "application_deadline": "2027-10-01",
                "deadline_kind": "fixed",
                "deadline_estimated": True,
                "recurs": "yearly",
            },
        ),
        ("n/a", {}),
    ],
)
def test_deadlines(text: str, fields: dict[str, object]) -> None:
    assert read("application_deadline", text) == fields


@pytest.mark.parametrize("text", ["3/4/2027", "10/1", "March", "soon", "Feb 30, 2027", "46450"])
def test_deadlines_without_one_reading_are_refused(text: str) -> None:
    with pytest.raises(UnreadableValueError):
        read("application_deadline", text)


def test_an_order_decides_and_is_never_left() -> None:
    for order, day in ((DateOrder.MDY, "2027-03-04"), (DateOrder.DMY, "2027-04-03")):
        found = deadline("3/4/2027", order=order, today=TODAY).fields
        assert found["application_deadline"] == day
    with pytest.raises(UnreadableValueError, match="order dmy"):
        deadline("4/13/2027", order=DateOrder.DMY, today=TODAY)


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        ("min_gpa", "3.5/4.0", Decimal("3.5")),
        ("min_gpa", "minimum 2.5 or higher", Decimal("2.5")),
        ("min_gpa", "85/100", Decimal(3)),
        ("min_gpa", "B average", Decimal(3)),
        ("renewable", "Yes", True),
        ("essay_required", "✓", True),
        ("essay_required", "Not required", False),
        ("recommendation_letters", "two letters", 2),
        ("max_awards", "Two (2)", 2),
        ("scholarship_type", "MERIT BASED", "merit_based"),
        ("status", "Active", "published"),
        ("recurs", "Yearly", "yearly"),
        ("deadline_kind", "ROLLING", "rolling"),
        ("grade_levels", "HS; College", ["high_school", "undergraduate"]),
        ("residency_states", "California and NV", ["CA", "NV"]),
        ("residency_counties", "Cedar, Iowa", ["19031"]),
        ("citizenship_required", "U.S. Citizens", "US"),
        ("fields_of_study", "arts; Law", ["arts", "law"]),
        ("genders", "Females", ["woman"]),
        ("contact_email", "Jane Roe <jane@acme.example>", "jane@acme.example"),
        ("website_url", "HTTPS://Acme.example/A", "https://Acme.example/A"),
        ("website_url", "acme.org/aid", "https://acme.org/aid"),
    ],
)
def test_other_values(target: str, text: str, value: object) -> None:
    fields = {name.rpartition(".")[2]: found for name, found in read(target, text).items()}
    assert fields[target] == value


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(_READERS)),
    st.lists(
        st.sampled_from(
            "$ € USD 1,000 2.5 k up to from 3/4/2027 13/13/2027 March 4 , ; and or - / ( ) 31 0"
            " full tuition varies % 50% 3.0 of 12:00 5pm 25:99 ET Oct Feb 29 CA citizen http://"
            " a@b.c [ { ½ ٣ \uff11\uff12 ² two hundred per year".split(" ")
        )
        | st.text(max_size=5),
        max_size=9,
    ),
)
def test_any_text_is_read_or_refused(target: str, words: list[str]) -> None:
    text = " ".join(words).strip()
    with contextlib.suppress(UnreadableValueError):
        read_cell(target, text, SETTINGS)


def test_a_very_long_cell_is_refused_by_its_length() -> None:
    with pytest.raises(UnreadableValueError, match="longer than"):
        read("amount", "$" * 100_000)
