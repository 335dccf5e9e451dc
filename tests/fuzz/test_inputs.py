"""Generated queries, files and profiles, sent to the real service."""

import csv
import io
import json
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from scholarship_api.vocabulary import STATES
from tests.fuzz.amount import FUZZ, seed
from tests.fuzz.conftest import Client

pytestmark = pytest.mark.server

SEARCH: Final = "/api/v1/search"
CHECK: Final = "/api/v1/eligibility/check"
IMPORT: Final = "/api/v1/scholarships/import"


# --- Queries -------------------------------------------------------------------------------------

WORDS: Final = st.one_of(
    st.sampled_from(
        ("engineering", "engneering", "women", "of", "the", "a", "STEM", "nursing", "ﬁre", "İ")
    ),
    st.text(min_size=1, max_size=12),
    st.text("\"'-*()&|!:<>\\%_~@", min_size=1, max_size=6),
    st.text(st.characters(categories=("Mn", "Cf", "So", "Nd", "Lm", "Zs")), max_size=6),
)
QUERIES: Final = st.one_of(
    st.lists(
        st.builds("{}{}{}".format, st.sampled_from(("", "-", '"', '-"')), WORDS, st.just("")),
        max_size=12,
    ).map(" ".join),
    st.lists(WORDS, max_size=6).map(lambda words: '"' + " ".join(words) + '"'),
    st.text(max_size=600),
)


@hypothesis_seed(seed())
@FUZZ
@given(query=QUERIES)
def test_any_query(client: Client, query: str) -> None:
    """The query string and the body give the same answer; every text is searched or refused."""
    answers = [
        client.ask("POST", SEARCH, json={"q": query, "limit": 5}),
        client.ask("POST", SEARCH, json={"q": query, "limit": 5, "sort": "deadline"}),
    ]
    if len(query) < 150:
        by_query = client.ask("GET", SEARCH, params={"q": query, "limit": 5})
        assert by_query.status_code == answers[0].status_code
        if by_query.status_code == 200:
            items = [answer.json()["items"] for answer in (by_query, answers[0])]
            assert items[0] == items[1]
        client.ask("GET", "/api/v1/search/suggestions", params={"prefix": query[:100]})
        client.ask("GET", "/api/v1/scholarships/smart-search", params={"q": query})
    assert {answer.status_code for answer in answers} <= {200, 422}


JSON: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(("US", "CA", "undergraduate", "engineering", "2026-11-01", "1e400", "٣")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
FILTERS: Final = (
    *("q", "fields_of_study", "scholarship_types", "states", "min_amount", "max_amount", "min_gpa"),
    *("citizenship", "grade_level", "deadline_after", "deadline_before", "renewable", "limit"),
    *("include_closed", "facets", "sort", "offset", "cursor"),
)


def encoded(document: object) -> bytes:
    """JSON with NaN, Infinity and lone surrogates, as some writers produce it."""
    return json.dumps(document).encode()


@hypothesis_seed(seed())
@FUZZ
@given(filters=st.dictionaries(st.sampled_from(FILTERS), JSON, max_size=4))
def test_any_filters(client: Client, filters: dict[str, object]) -> None:
    json_body = {"content": encoded(filters), "headers": {"Content-Type": "application/json"}}
    assert client.ask("POST", SEARCH, **json_body).status_code in {200, 400, 422}
    texts = {name: str(value)[:200] for name, value in filters.items()}
    assert client.ask("GET", SEARCH, params=texts).status_code in {200, 414, 422}


# --- Profiles ------------------------------------------------------------------------------------

GOOD: Final[dict[str, st.SearchStrategy[Any]]] = {
    "gpa": st.floats(0, 4),
    "grade_level": st.sampled_from(("high_school", "undergraduate", "doctoral")),
    "field_of_study": st.sampled_from(("engineering", "psychology", "other")),
    "citizenship": st.sampled_from(("US", "international", "permanent_resident", "DE")),
    "state_of_residence": st.sampled_from(sorted(STATES)),
    "age": st.integers(13, 120),
    "annual_income": st.floats(0, 1e9),
    "financial_need": st.booleans(),
    "credits_completed": st.integers(0, 300),
}
PROFILES: Final = st.fixed_dictionaries(
    {}, optional={name: st.one_of(good, good, good, JSON) for name, good in GOOD.items()}
)


@hypothesis_seed(seed())
@FUZZ
@given(profile=PROFILES)
def test_any_profile(client: Client, profile: dict[str, object]) -> None:
    """An answer has a verdict for each award, and its score agrees with the verdict."""
    headers = {"Content-Type": "application/json"}
    answer = client.ask("POST", CHECK, content=encoded(profile), headers=headers)
    wrapped = encoded({"user_profile": profile, "limit": 5})
    path = "/api/v1/scholarships/recommendations"
    advice = client.ask("POST", path, content=wrapped, headers=headers)
    assert advice.status_code == answer.status_code
    assert answer.status_code in {200, 400, 422}
    if answer.status_code == 200:
        for result in answer.json()["results"]:
            assert 0 <= result["score"] <= 1
            assert result["eligible"] == (result["verdict"] == "eligible")
        scores = [one["recommendation_score"] for one in advice.json()["recommendations"]]
        assert scores == sorted(scores, reverse=True)


# --- Files ---------------------------------------------------------------------------------------

FIELDS: Final = (
    *("id", "name", "organization", "description", "amount", "amount_min", "currency", "status"),
    *("application_deadline", "deadline_timezone", "deadline_kind", "recurs", "scholarship_type"),
    *("eligibility_criteria", "renewable", "max_awards", "application_url", "contact_email", "odd"),
)
ROWS: Final = st.builds(
    lambda number, changed: {
        "id": f"fuzzed-{number}",
        "name": "Fuzzed",
        "organization": "Fuzzers",
        "scholarship_type": "merit_based",
        **changed,
    },
    st.integers(0, 20),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2),
)
LINES: Final = st.one_of(ROWS.map(encoded), ROWS.map(encoded), JSON.map(encoded), st.binary())


@hypothesis_seed(seed())
@FUZZ
@given(lines=st.lists(LINES, max_size=12), end=st.sampled_from((b"\n", b"\r\n", b"\n\n", b"\r")))
def test_any_ndjson(client: Client, lines: list[bytes], end: bytes) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    answer = client.ask("POST", IMPORT, content=end.join(lines), headers=headers)
    check_import(answer)


@hypothesis_seed(seed())
@FUZZ
@given(
    header=st.lists(st.sampled_from(FIELDS), min_size=1, max_size=8),
    rows=st.lists(st.lists(st.text(max_size=30), max_size=9), max_size=8),
    noise=st.binary(max_size=40),
)
def test_any_csv(client: Client, header: list[str], rows: list[list[str]], noise: bytes) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["id", "name", "organization", *header], *rows])
    body = text.getvalue().encode(errors="replace") + noise
    check_import(client.ask("POST", IMPORT, content=body, headers={"Content-Type": "text/csv"}))


def check_import(answer: httpx.Response) -> None:
    """Every row is counted once, or the whole file is refused."""
    assert answer.status_code in {200, 422}
    if answer.status_code == 200:
        counts = answer.json()
        parts = ("created", "updated", "unchanged", "repeated", "bad")
        assert counts["rows"] == sum(counts[part] for part in parts)
        assert len(counts["errors"]) == min(counts["error_count"], 50)
