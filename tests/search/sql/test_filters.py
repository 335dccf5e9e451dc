"""The table of filters is complete."""

import datetime as dt

from scholarship_api.search.schemas import Facets, Listing, SearchRequest
from scholarship_api.search.sql.filters import FACETS, FILTERS, conditions_of

NOW = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
NO_FILTERS = {"q", "keyword", "query", "facets", *Listing.model_fields}


def test_every_filter_of_a_request_has_one_row() -> None:
    rows = [row.field for row in FILTERS]
    assert sorted(rows) == sorted(SearchRequest.model_fields.keys() - NO_FILTERS)


def test_every_facet_of_an_answer_comes_from_one_row() -> None:
    assert [facet.name for facet in FACETS] == list(Facets.model_fields)


def test_filters_that_are_not_given_add_no_clause() -> None:
    conditions = conditions_of(SearchRequest(), now=NOW, organization=None)
    assert conditions.params == {"now": NOW}
    assert not conditions.is_filtered


def test_each_clause_uses_the_parameter_of_its_field() -> None:
    request = SearchRequest.model_validate(
        {
            "fields_of_study": "law",
            "scholarship_types": "athletic",
            "states": "CA",
            "grade_level": "doctoral",
            "citizenship": "US",
            "min_amount": 0,
            "max_amount": 0,
            "min_gpa": 0,
            "renewable": False,
            "deadline_after": "2027-01-01",
            "deadline_before": "2028-01-01T00:00:00Z",
        }
    )
    conditions = conditions_of(request, now=NOW, organization=None)
    assert conditions.is_filtered
    for row in FILTERS:
        assert row.field in conditions.params
        assert sum(f"%({row.field})s" in clause for clause in conditions.clauses) == 1
