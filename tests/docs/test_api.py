"""docs/api.md promises what the code does."""

import re
from enum import StrEnum
from typing import Any, Final

import pytest
from annotated_types import Ge, Le
from pydantic import BaseModel

from scholarship_api import vocabulary
from scholarship_api.accounts.access import PUBLIC_ROUTES
from scholarship_api.accounts.roles import SCOPES, Role, Scope
from scholarship_api.activity.models import InteractionType
from scholarship_api.activity.queries import SCORE_WEIGHTS
from scholarship_api.activity.schemas import Window
from scholarship_api.app import create_app, rate_limit_groups
from scholarship_api.catalogue.read_model.criteria import CRITERIA
from scholarship_api.catalogue.read_model.rule import MAX_SCORE
from scholarship_api.eligibility.profiles import Profile
from scholarship_api.eligibility.schemas import CheckRequest
from scholarship_api.exchange.routes import FORMATS
from scholarship_api.platform.http import cors
from scholarship_api.platform.server.limits import Limits
from scholarship_api.recommendations import rules as recommendations
from scholarship_api.recommendations.schemas import RecommendationRequest
from scholarship_api.search import advice, limits, response_schemas, schemas
from scholarship_api.settings.settings import Settings
from tests.docs.pages import Section, section
from tests.docs.test_names import own_errors

PAGE: Final = "docs/api.md"
PROBES: Final = ("/healthz", "/readyz", "/health", "/metrics")
LOGIN: Final = ("/api/v1/auth/login", "/api/v1/auth/login-simple")


def part(title: str) -> Section:
    return section(PAGE, title)


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def example_settings(environment: str = "test") -> Settings:
    return Settings.model_validate(
        {
            "environment": environment,
            "database_url": "postgresql://localhost/none",
            "rate_limit_backend_url": "redis://localhost:6379",
        }
    )


def endpoints() -> dict[str, list[str]]:
    """The other cells of each row, by path."""
    return {quoted(path)[0]: others for path, *others in part("Endpoints").rows}


# --- Endpoints -----------------------------------------------------------------------------------


def test_the_endpoints_are_the_routes() -> None:
    documented = create_app(example_settings()).openapi()["paths"]
    assert {path: set(methods.split(", ")) for path, (methods, *_) in endpoints().items()} == {
        path: {method.upper() for method in operations} for path, operations in documented.items()
    }
    others = [path for cells in part("Endpoints").rows for path in quoted(cells[0])[1:]]
    assert others
    assert all(("GET", path) in PUBLIC_ROUTES for path in others)


def test_the_access_of_each_endpoint() -> None:
    for path, (methods, access, *_) in endpoints().items():
        public = {method for method in methods.split(", ") if (method, path) in PUBLIC_ROUTES}
        if access.startswith("public to read"):
            assert public == {"GET"}, path
        elif access == "public" or path == "/metrics":  # which asks for a token of its own
            assert public == set(methods.split(", ")), path
        else:
            assert not public, path


def test_the_scopes_of_each_endpoint() -> None:
    document = create_app(example_settings()).openapi()["paths"]
    for path, (_, access, *_others) in endpoints().items():
        required = {
            scope
            for operation in document[path].values()
            for schemes in operation.get("security", ())
            for scope in schemes.get("BearerToken", ())
        }
        assert required == {name for name in quoted(access) if name in set(Scope)}, path


def test_the_rate_limit_group_of_each_endpoint() -> None:
    group_of = rate_limit_groups(example_settings()).group_of
    for path, (_, _, group, _) in endpoints().items():
        if path.startswith(PROBES):
            assert group == "not counted", path
        elif path in LOGIN:
            assert group == "login", path
        else:
            assert group == (group_of(path) or "none"), path


# --- Access and vocabularies ---------------------------------------------------------------------


def test_the_roles() -> None:
    granted = {
        Role(quoted(role)[0]): {
            scope for scope, cell in zip(Scope, cells, strict=True) if cell != "no"
        }
        for role, *cells in part("Access").rows
    }
    assert granted == SCOPES


ENUMERATIONS: Final[dict[str, type[StrEnum]]] = {
    "field of study": vocabulary.FieldOfStudy,
    "scholarship type": vocabulary.ScholarshipType,
    "grade level": vocabulary.GradeLevel,
    "deadline kind": vocabulary.DeadlineKind,
    "recurrence": vocabulary.Recurrence,
    "status": vocabulary.Status,
    "availability": vocabulary.Availability,
    "interaction": InteractionType,
}


def test_the_vocabularies() -> None:
    rows = part("Vocabulary").rows
    assert {name: quoted(values) for name, values, _ in rows} == {
        name: list(values) for name, values in ENUMERATIONS.items()
    }
    [aliases] = [cell for name, _, cell in rows if name == "field of study"]
    shown = quoted(aliases)
    assert dict(zip(shown[::2], shown[1::2], strict=True)) == vocabulary.FIELD_ALIASES


# --- Parameters ----------------------------------------------------------------------------------


def test_the_parameters_of_the_search() -> None:
    named = [name for row in part("Search").rows for name in quoted(row[0])]
    assert set(named) == set(schemas.SearchBody.model_fields)
    assert len(named) == len(set(named))


def test_the_fields_of_an_answer_to_a_search() -> None:
    text = set(quoted(part("Search").text))
    for model in (
        response_schemas.SearchPage,
        response_schemas.ScholarshipSummary,
        response_schemas.ScholarshipList,
    ):
        assert set(model.model_fields) <= text | {"scholarships"}, model


def bounds(model: type[BaseModel], name: str) -> tuple[Any, Any, Any]:
    field = model.model_fields[name]
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    return low, high, field.default


@pytest.mark.parametrize(
    ("model", "name", "title", "sentence"),
    [
        (schemas.SearchRequest, "limit", "Search", "{} to {}; {}"),
        (schemas.SearchRequest, "offset", "Search", "{} to {:_}, or"),
        (
            schemas.SuggestionRequest,
            "limit",
            "Suggestions and smart search",
            "`limit` ({} to {}; {})",
        ),
        (RecommendationRequest, "limit", "Recommendations", "`limit` of {} to {} ({})"),
        (Window, "days", "Interactions and analytics", "`days` ({} to {}; {})"),
        (CheckRequest, "offset", "Eligibility", "`offset` {} to {:_}"),
    ],
)
def test_bounds_and_defaults(model: type[BaseModel], name: str, title: str, sentence: str) -> None:
    expected = sentence.format(*bounds(model, name)).replace("_", " ")
    assert expected in " ".join(part(title).text.split())


def test_the_length_of_a_query() -> None:
    assert f"At most {limits.MAX_QUERY_CHARACTERS} characters" in part("Search").text


def test_the_bands_of_search_quality() -> None:
    for shown, quality in part("Suggestions and smart search").rows:
        for number in re.findall(r"\d+", shown) or ["51"]:
            assert advice.quality(int(number)) == quoted(quality)[0]


# --- Scores --------------------------------------------------------------------------------------


def test_the_profile() -> None:
    assert set(Profile.model_fields) <= set(quoted(part("Eligibility").text))


def test_the_weights_of_eligibility() -> None:
    shown = {
        quoted(row[0])[0]: (float(row[1]), float(row[2]))
        for row in part("Eligibility").rows
        if re.fullmatch(r"[0-9.]+", row[1])
    }
    assert shown == {
        rule.name: (rule.weight.failed / 100, rule.weight.missing / 100) for rule in CRITERIA
    }


def test_the_parts_of_a_recommendation() -> None:
    shown = {quoted(name)[0]: text for name, text in part("Recommendations").rows}
    assert list(shown) == list(recommendations.PartName)
    points = {
        "match": {recommendations.MATCH_WEIGHT * MAX_SCORE},
        "field_of_study": {recommendations.FIELD_NAMED},
        "amount": {points for _, points in recommendations.AMOUNTS},
        "deadline": {points for _, points in recommendations.DEADLINES if points},
        "scholarship_type": {*recommendations.TYPES.values(), recommendations.NEED_WITH_NEED},
    }
    for name, text in shown.items():
        numbers = {round(float(number) * 1000) for number in re.findall(r"-?\d\.\d+", text)}
        assert numbers == points[name], name


def test_the_score_of_popularity() -> None:
    terms = [
        f"{weight} x {kind}" if weight > 1 else str(kind)
        for kind, weight in SCORE_WEIGHTS.items()
        if weight
    ]
    assert " + ".join(terms) in " ".join(part("Interactions and analytics").text.split())


# --- Imports, errors, limits, headers ------------------------------------------------------------


def test_the_formats_of_an_import() -> None:
    shown = {text for text in quoted(part("Import").text) if "/" in text and " " not in text}
    assert shown == {*FORMATS, "application/json"}


def test_the_errors_are_the_enumeration() -> None:
    table = {(quoted(code)[0], int(status)) for code, status, _ in part("Errors").rows}
    assert table == {(kind.code, kind.status) for kind in own_errors()}


def test_the_rate_limits_are_the_defaults() -> None:
    usual, development, staging = map(example_settings, ("test", "development", "staging"))
    rows = part("Rate limits").rows
    fields = {quoted(cells[3])[0].lower() for cells in rows}
    assert fields == {
        name
        for name in Settings.model_fields
        if name.startswith("rate_limit_")
        and name not in {"rate_limit_enabled", "rate_limit_backend_url", "rate_limit_tiers"}
    }
    for _, per_minute, in_development, setting in rows:
        field = quoted(setting)[0].lower()
        first, *other = re.findall(r"\d+", per_minute)
        assert str(getattr(usual, field)).removesuffix("/minute") == first, field
        assert str(getattr(development, field)).removesuffix("/minute") == in_development, field
        expected = other[0] if other else first
        assert str(getattr(staging, field)).removesuffix("/minute") == expected, field


def test_the_sizes_and_times() -> None:
    rows = {name: limit for name, limit, _ in part("Sizes and times").rows}
    limits = Limits()
    defaults = example_settings()
    assert rows["Path and query"] == f"`MAX_URL_LENGTH`, {defaults.max_url_length} bytes"
    assert rows["Request line and headers"] == (
        f"{limits.head_bytes // 1024} KiB, within {limits.head_seconds:.0f} s"
    )
    assert rows["An answer that is not read"] == f"{limits.write_seconds:.0f} s"
    assert f"({defaults.access_token_expire_minutes})" in part("Access").text
    assert f"({defaults.analytics_retention_days})" in part("Interactions and analytics").text


def test_the_headers_of_cors() -> None:
    rows = {cells[0]: cells[1] for cells in part("Headers").rows}
    assert quoted(rows["Methods"]) == list(cors.METHODS)
    assert quoted(rows["Headers that may be sent"]) == list(cors.ALLOWED_HEADERS)
    assert quoted(rows["Headers that may be read"]) == list(cors.EXPOSED_HEADERS)
    assert rows["Preflights are kept for"] == f"{cors.MAX_AGE_SECONDS} seconds"
