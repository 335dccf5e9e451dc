"""Direct calls of the search endpoints read queries exactly as FastAPI does."""

from collections.abc import Awaitable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from scholarship_api.accounts.access import current_account_or_none
from scholarship_api.accounts.authentication import CREDENTIALS_KEY
from scholarship_api.app import ROUTERS
from scholarship_api.search.responses.fast_path import DirectCallMiddleware, FastPath
from scholarship_api.search.schemas import SearchRequest

pytestmark = pytest.mark.anyio

router = APIRouter(prefix="/plain")
SearchQuery = Annotated[SearchRequest, Query()]


@router.get("/search", dependencies=[Depends(current_account_or_none)])
async def search(http: Request, request: SearchQuery) -> Response:
    return JSONResponse({"path": http.url.path, "request": request.model_dump(mode="json")})


@router.get("/of/{name}")
async def search_of(http: Request, name: Annotated[str, Path()], request: SearchQuery) -> Response:
    return JSONResponse({"name": name, "request": request.model_dump(mode="json")})


@router.get("/awards/best")
async def best() -> Response:
    return JSONResponse("the best")


@router.get("/awards/{award_id}")
async def award(
    http: Request,
    award_id: Annotated[str, Path()],
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    return JSONResponse({"id": award_id, "query": http.url.query})


@router.get("/guarded/{award_id}", dependencies=[Depends(current_account_or_none)])
async def guarded(http: Request, award_id: Annotated[str, Path()]) -> Response:
    return JSONResponse({"id": award_id, "path": http.url.path})


class Routed:
    """FastAPI, and how many requests it got."""

    def __init__(self) -> None:
        self.requests = 0
        self._app = FastAPI()
        self._app.include_router(router)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        self.requests += 1
        scope[CREDENTIALS_KEY] = None  # nobody here can verify any
        return self._app(scope, receive, send)


async def ask(
    method: str, address: str, *, credentials: object = None
) -> tuple[httpx.Response, httpx.Response, int]:
    """The answers with the fast path off and on, and how often FastAPI gave the latter."""
    routed = Routed()
    fast_path = FastPath()
    middleware = DirectCallMiddleware(routed, fast_path=fast_path, routes=router.routes)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope[CREDENTIALS_KEY] = credentials
        await middleware(scope, receive, send)

    answers = []
    for fast_path.is_on in (False, True):
        routed.requests = 0
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers.append(await client.request(method, f"/plain{address}"))
    return answers[0], answers[1], routed.requests


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=nurse",
        "q=nurse&q=law",
        "q=&limit=",
        "q=a+b%20c&limit=5&offset=10",
        "q=caf%C3%A9",
        "q=caf%E9%FF",
        "q=caf\u00e9",
        "fields_of_study=law&fields_of_study=arts",
        "fields_of_study=law,arts",
        "fields_of_study=",
        "states=ca&states=ny,tx&scholarship_types=merit_based",
        "keyword=x&query=x",
        "facets=true&renewable=0&include_closed=1",
        "deadline_after=2027-01-01&deadline_before=2027-02-01T10:00:00Z",
        "min_amount=10&max_amount=1000.5&min_gpa=3.5",
        "q=a;limit=3",
        "q=a&&limit=3&",
    ],
)
async def test_a_valid_query_is_read_as_fastapi_reads_it(query: str) -> None:
    off, on, requests = await ask("GET", f"/search?{query}")
    assert off.status_code == 200, off.text
    assert on.json() == off.json()
    assert requests == 0


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "unknown=1",
        "unknown=1&unknown=2",
        "q=a&keyword=b",
        "q=%00",
        "fields_of_study=alchemy",
        "cursor=abc&offset=3",
        "min_amount=5&max_amount=1",
    ],
)
async def test_an_invalid_query_is_answered_by_fastapi(query: str) -> None:
    off, on, requests = await ask("GET", f"/search?{query}")
    assert off.status_code == 422
    assert (on.status_code, on.json()) == (422, off.json())
    assert requests == 1


@pytest.mark.parametrize(
    ("method", "address"),
    [("GET", "/of/x?q=a"), ("POST", "/search?q=a"), ("GET", "/search/?q=a"), ("GET", "/none")],
)
async def test_other_requests_are_passed_to_fastapi(method: str, address: str) -> None:
    off, on, requests = await ask(method, address)
    assert (on.status_code, on.content) == (off.status_code, off.content)
    assert requests == 1


@pytest.mark.parametrize(
    "address", ["/awards/one", "/awards/caf%C3%A9%20%2B", "/awards/one?x=1", "/awards/best%20"]
)
async def test_the_last_part_of_a_path_is_read_as_fastapi_reads_it(address: str) -> None:
    off, on, requests = await ask("GET", address)
    assert off.status_code == 200, off.text
    assert on.json() == off.json()
    assert requests == 0


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/awards/best"),
        ("GET", "/awards/"),
        ("GET", "/awards/one/more"),
        ("HEAD", "/awards/one"),
        ("DELETE", "/awards/one"),
        ("GET", "/guarded/one"),
    ],
)
async def test_other_paths_with_parts_are_passed_to_fastapi(method: str, address: str) -> None:
    off, on, requests = await ask(method, address)
    assert (on.status_code, on.content) == (off.status_code, off.content)
    assert requests == 1


async def test_requests_with_credentials_are_passed_to_fastapi() -> None:
    _, _, requests = await ask("GET", "/search?q=a", credentials=object())
    assert requests == 1


def test_the_searches_and_single_awards_are_called_directly() -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    middleware = DirectCallMiddleware(Routed(), fast_path=FastPath(), routes=routes)
    assert middleware.paths == {
        "/api/v1/scholarships/{scholarship_id}",
        "/api/v1/search",
        "/api/v1/search/suggestions",
        "/api/v1/scholarships/smart-search",
        "/common-grants/opportunities",
        "/api/v1/unsubscribe/{token}",
        "/search",
    }
