"""Checks a running deployment from outside, for `scholarship-api check --base-url`."""

import http
from collections.abc import Callable, Iterator
from typing import Final, Literal

import httpx
import pydantic

from scholarship_api.errors import ErrorBody
from scholarship_api.health.paths import LIVENESS, METRICS, READINESS

Finding = tuple[str, Literal["passed", "failed"], str]

TIMEOUT_SECONDS: Final = 10.0
FOREIGN_HOST: Final = "foreign.invalid"
FOREIGN_ORIGIN: Final = f"https://{FOREIGN_HOST}"

_REQUIRED_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'",
    "Strict-Transport-Security": "max-age=",
}
_DOCS: Final = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")


def run(base_url: str) -> Iterator[Finding]:
    """Check the deployment with fewer than 20 requests; yields name, outcome and detail."""
    with httpx.Client(base_url=base_url, timeout=TIMEOUT_SECONDS) as client:
        for name, (looked_at, find_problem) in _CHECKS.items():
            try:
                problem = find_problem(client)
            except httpx.TimeoutException:
                problem = "no answer in time"
            except httpx.HTTPError:
                problem = "no answer"
            yield name, "failed" if problem else "passed", problem or looked_at


def _probes(client: httpx.Client) -> str | None:
    statuses = {path: client.get(path).status_code for path in (LIVENESS, READINESS)}
    wrong = {path: status for path, status in statuses.items() if status != http.HTTPStatus.OK}
    return ", ".join(f"{path} answers {status}" for path, status in wrong.items()) or None


def _hosts(client: httpx.Client) -> str | None:
    status = client.get("/", headers={"Host": FOREIGN_HOST}).status_code
    # A proxy may refuse it first, with another status.
    if status >= http.HTTPStatus.BAD_REQUEST:
        return None
    return f"a request for the host {FOREIGN_HOST} is answered with {status}"


def _docs(client: httpx.Client) -> str | None:
    shown = [path for path in _DOCS if client.get(path).status_code != http.HTTPStatus.NOT_FOUND]
    return f"{', '.join(shown)} can be seen" if shown else None


def _headers(client: httpx.Client) -> str | None:
    sent = client.get("/").headers
    missing = [name for name, value in _REQUIRED_HEADERS.items() if value not in sent.get(name, "")]
    return f"{', '.join(missing)} missing or different" if missing else None


def _errors(client: httpx.Client) -> str | None:
    response = client.get("/no-such-path")
    try:
        body = ErrorBody.model_validate_json(response.content)
    except pydantic.ValidationError:
        return "a 404 does not speak the error schema"
    if response.headers.get("X-Trace-ID") != body.trace_id:
        return "the trace id of an error differs from its header"
    return None if body.status == response.status_code else "a 404 has another status in its body"


def _cors(client: httpx.Client) -> str | None:
    headers = {"Origin": FOREIGN_ORIGIN, "Access-Control-Request-Method": "GET"}
    answers = [client.get("/", headers=headers), client.options("/", headers=headers)]
    if any("Access-Control-Allow-Origin" in answer.headers for answer in answers):
        return "a foreign origin is allowed"
    refused = answers[1].status_code == http.HTTPStatus.BAD_REQUEST
    return None if refused else "the preflight of a foreign origin is not refused"


def _metrics(client: httpx.Client) -> str | None:
    status = client.get(METRICS).status_code
    closed = {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.NOT_FOUND}
    return None if status in closed else f"{METRICS} can be read by anybody"


def _limits(client: httpx.Client) -> str | None:
    counted = "X-RateLimit-Limit" in client.get("/api/v1/search?limit=1").headers
    return None if counted else "a search is not counted by the rate limiter"


_CHECKS: Final[dict[str, tuple[str, Callable[[httpx.Client], str | None]]]] = {
    "probes": (f"{LIVENESS} and {READINESS} answer 200", _probes),
    "hosts": ("another Host is refused", _hosts),
    "docs": ("the documentation's paths answer 404", _docs),
    "security headers": (f"{len(_REQUIRED_HEADERS)} headers are as they should be", _headers),
    "error schema": ("a 404 has the error schema and its trace id", _errors),
    "cors": ("a foreign origin and its preflight are refused", _cors),
    "metrics": (f"{METRICS} asks for a token or is not there", _metrics),
    "rate limits": ("a search is counted", _limits),
}
"""For each name, the text of a passed row and the function that finds the problem."""

NAMES: Final = tuple(_CHECKS)
