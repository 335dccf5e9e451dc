"""The tour of README by a client that was generated from the OpenAPI document.

It runs in a process of its own: `generated_client_tour.py ADDRESS`, with the client on the path.
"""

import importlib
import sys
from typing import Any


def module(name: str) -> Any:  # noqa: ANN401 - a module that exists only after the generation
    return importlib.import_module(f"scholarship_client.{name}")


def search(client: Any) -> None:  # noqa: ANN401 - as above
    by_query = module("api.search.search_by_query").sync
    page = by_query(client=client, q="engneering", limit=1)
    assert page.did_you_mean == "engineering"
    assert page.is_corrected is True
    assert len(page.items) == 1
    following = by_query(client=client, q="engneering", limit=1, cursor=page.next_cursor)
    assert following.items[0].id != page.items[0].id

    body = module("models").SearchBody.from_dict(
        {"q": "nursing", "min_gpa": 3.2, "min_amount": 5000, "facets": True, "limit": 1}
    )
    found = module("api.search.search_by_body").sync(client=client, body=body)
    assert found.total > 0
    assert "nursing" in {each.value for each in found.facets.fields_of_study}


def lists(client: Any) -> None:  # noqa: ANN401 - as above
    award = module("api.scholarships.get_scholarship").sync("sch_gates_scholarship", client=client)
    assert award.name == "The Gates Scholarship"
    field = module("models").FieldOfStudy("nursing")
    of_field = module("api.search.list_by_field").sync(field, client=client, limit=5)
    assert len(of_field.scholarships) == 5
    of_organization = module("api.search.list_by_organization").sync(
        "Gates Foundation", client=client
    )
    assert award.id in {each.id for each in of_organization.scholarships}
    suggested = module("api.search.suggest").sync(client=client, prefix="gat")
    assert "The Gates Scholarship" in {each.text for each in suggested.suggestions}
    advice = module("api.search.smart_search").sync(
        client=client, q="accounting", min_amount=1_000_000
    )
    assert advice.search_metadata.search_quality == "no_results"
    assert advice.suggestions


def eligibility(client: Any) -> None:  # noqa: ANN401 - as above
    models = module("models")
    request = models.EligibilityRequest.from_dict(
        {
            "scholarship_id": "sch_gates_scholarship",
            "user_profile": {"gpa": 3.4, "grade_level": "high_school"},
        }
    )
    result = module("api.eligibility.check_one").sync(client=client, body=request)
    assert result.verdict == "needs_information"
    assert "citizenship" in result.missing
    wanted = models.RecommendationRequest.from_dict(
        {
            "limit": 1,
            "user_profile": {
                "gpa": 3.6,
                "class_years": ["grade_12"],
                "citizenship": "US",
                "field_of_study": "engineering",
                "financial_need": True,
            },
        }
    )
    recommended = module("api.recommendations.recommend").sync(client=client, body=wanted)
    assert len(recommended.recommendations) == 1


def opportunities(client: Any) -> None:  # noqa: ANN401 - as above
    listed = module("api.common_grants.list_opportunities").sync(client=client, page_size=2)
    assert len(listed.items) == 2


def errors(client: Any) -> None:  # noqa: ANN401 - as above
    answer = module("api.search.search_by_query").sync_detailed(
        client=client, states=["XX"], limit=0
    )
    assert answer.status_code == 422
    assert answer.parsed.code == "VALIDATION_ERROR"
    fields = answer.parsed.details.additional_properties["fields"]
    assert {each["field"] for each in fields} == {"limit", "states.0"}


def main(address: str) -> None:
    client = module("client").Client(base_url=address, raise_on_unexpected_status=True)
    for part in (search, lists, eligibility, opportunities, errors):
        part(client)
        sys.stdout.write(f"{part.__name__}\n")


if __name__ == "__main__":
    main(sys.argv[1])
