import httpx
import pytest
from fastapi import FastAPI

from tests.platform.http.production import assert_complete, assert_error

pytestmark = pytest.mark.anyio


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    got = await client.get("/notes/a")
    head = await client.head("/notes/a")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert_complete(head)


async def test_head_of_an_unknown_path_is_not_found(client: httpx.AsyncClient) -> None:
    head = await client.head("/nothing")
    assert (head.status_code, head.content) == (404, b"")
    assert_complete(head)


@pytest.mark.parametrize("path", ["/", "/api/v1/search", "/healthz"])
async def test_documented_head_routes_are_answered(client: httpx.AsyncClient, path: str) -> None:
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/notes/a", "GET, HEAD, POST"),
        ("PUT", "/api/v1/search", "GET, HEAD, POST"),
        ("OPTIONS", "/fault", "GET, HEAD"),
        ("HEAD", "/only-post", "POST"),
    ],
)
async def test_allow_lists_all_methods_of_the_path(
    app: FastAPI, client: httpx.AsyncClient, method: str, path: str, allow: str
) -> None:
    @app.post("/only-post")
    async def only_post() -> None: ...

    response = await client.request(method, path)
    assert response.headers["allow"] == allow
    if method == "HEAD":
        assert response.status_code == 405
    else:
        assert_error(response, 405, "METHOD_NOT_ALLOWED")


async def test_a_trailing_slash_is_not_redirected(client: httpx.AsyncClient) -> None:
    for path in ("/notes/a/", "/healthz/", "//notes/a"):
        assert_error(await client.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize("ranges", ["bytes=0-9", "bytes=-1", "bytes=99999-", "lines=1-2", "x"])
async def test_a_range_is_answered_with_the_whole(client: httpx.AsyncClient, ranges: str) -> None:
    whole = await client.get("/notes/a")
    response = await client.get("/notes/a", headers={"Range": ranges})
    assert (response.status_code, response.content) == (200, whole.content)
    assert "content-range" not in response.headers


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
async def test_a_method_of_debugging_is_refused(client: httpx.AsyncClient, method: str) -> None:
    assert_error(await client.request(method, "/notes/a"), 405, "METHOD_NOT_ALLOWED")
