"""Documentation, browsers of other origins, hosts, headers, and refusals in one schema."""

import httpx
import pytest

from tests.acceptance import deployment
from tests.acceptance.deployment import assert_error, assert_secured

FOREIGN_ORIGIN = "https://foreign.invalid"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,authorization",
}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
def test_the_documentation_is_closed(client: httpx.Client, path: str) -> None:
    if deployment.variable("DOCS", "closed") == "open":
        assert client.get(path).status_code == 200
    else:
        assert_error(client.get(path), 404, "NOT_FOUND")


# --- Origins -------------------------------------------------------------------------------------


def test_an_allowed_origin_may_read(client: httpx.Client) -> None:
    origin = deployment.required("ALLOWED_ORIGIN")
    for path, status in (("/", 200), ("/healthz", 200), ("/no-such-path", 404)):
        answer = client.get(path, headers={"Origin": origin})
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
        exposed = answer.headers["Access-Control-Expose-Headers"].lower()
        assert {"x-request-id", "etag", "retry-after"} <= set(exposed.split(", "))


def test_the_preflight_of_an_allowed_origin(client: httpx.Client) -> None:
    origin = deployment.required("ALLOWED_ORIGIN")
    answer = client.options("/api/v1/search", headers={"Origin": origin, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert_secured(answer)


def test_a_foreign_origin_may_not(client: httpx.Client) -> None:
    origin = {"Origin": FOREIGN_ORIGIN}
    answer = client.get("/", headers=origin)
    refused = client.options("/api/v1/search", headers={**origin, **PREFLIGHT})
    assert_error(refused, 400, "BAD_REQUEST")
    for response in (answer, refused):
        assert "Access-Control-Allow-Origin" not in response.headers


# --- Headers and hosts ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/search?limit=1", "/no-such-path"])
def test_security_headers_are_everywhere(client: httpx.Client, path: str) -> None:
    assert_secured(client.get(path))


def test_no_word_about_the_server(client: httpx.Client) -> None:
    deployment.only_without_proxy()
    assert "Server" not in client.get("/").headers


def test_another_host_is_refused(client: httpx.Client) -> None:
    deployment.only_without_proxy()
    assert_error(client.get("/", headers={"Host": "foreign.invalid"}), 400, "INVALID_HOST")


def test_a_request_keeps_its_id(client: httpx.Client) -> None:
    sent = client.get("/", headers={"X-Request-ID": "acceptance.1"})
    assert sent.headers["X-Request-ID"] == "acceptance.1"
    bad = client.get("/", headers={"X-Request-ID": "no spaces; allowed"})
    assert bad.headers["X-Request-ID"] not in {"", "no spaces; allowed"}


# --- Refusals ------------------------------------------------------------------------------------


def test_refusals_speak_one_schema(client: httpx.Client) -> None:
    assert_error(client.get("/api/v1/no-such-path"), 404, "NOT_FOUND")
    refused = client.put("/api/v1/search", json={})
    assert_error(refused, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in refused.headers["Allow"]
    plain = client.post("/api/v1/search", content="x", headers={"Content-Type": "text/plain"})
    assert_error(plain, 415, "UNSUPPORTED_MEDIA_TYPE")
    invalid = assert_error(client.get("/api/v1/search?limit=0"), 422, "VALIDATION_ERROR")
    assert invalid["details"]["fields"][0]["field"] == "limit"


def test_sizes_are_limited(client: httpx.Client) -> None:
    deployment.only_without_proxy()
    large = client.post(
        "/api/v1/search", content=b" " * 1_048_577, headers={"Content-Type": "application/json"}
    )
    assert_error(large, 413, "PAYLOAD_TOO_LARGE")
    assert_error(client.get(f"/?{'a' * 2_048}"), 414, "URI_TOO_LONG")
    fat = client.get("/", headers={"X-Fat": "a" * 20_000})
    assert_error(fat, 431, "HEADERS_TOO_LARGE")
