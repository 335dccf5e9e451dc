"""Reads the list of a CommonGrants server page by page, for an import by an operator."""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx

from scholarship_api.catalogue.bulk.records import UnreadableFile

PAGE_SIZE: Final = 100
MAX_PAGES: Final = 100_000
"""Pages that are read: 10 000 000 opportunities. A server that says there are more is wrong."""
MAX_PAGE_BYTES: Final = 33_554_432
"""Bytes of one page; 100 opportunities with long texts take about 2 MB."""
TIMEOUT_SECONDS: Final = 30.0
"""How long the server may be silent, in seconds."""


def read_pages(url: str, *, api_key: str | None = None) -> Iterator[bytes]:
    """The answers to the list at an address such as
    `https://grants.example.org/common-grants/opportunities`, as the chunks of a file.

    Raises UnreadableFile when the server does not answer as CommonGrants says.
    """
    headers = {"Accept": "application/json"}
    if api_key:
        headers["X-API-Key"] = api_key
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, headers=headers) as client:
            for page in range(1, MAX_PAGES + 1):
                content = _page(client, url, page)
                yield content
                yield b"\n"
                if _is_last(content, page):
                    return
    except httpx.InvalidURL as error:
        raise UnreadableFile(f"The address cannot be used: {error}.") from None
    except httpx.HTTPError as error:
        raise UnreadableFile(f"The server did not answer: {type(error).__name__}.") from None


def _page(client: httpx.Client, url: str, page: int) -> bytes:
    parameters = {"page": str(page), "pageSize": str(PAGE_SIZE)}
    content = bytearray()
    with client.stream("GET", url, params=parameters) as answer:
        if answer.status_code != httpx.codes.OK:
            raise UnreadableFile(f"The server answered {answer.status_code} to page {page}.")
        for chunk in answer.iter_bytes():
            content += chunk
            if len(content) > MAX_PAGE_BYTES:
                raise UnreadableFile(f"Page {page} has more than {MAX_PAGE_BYTES:,} bytes.")
    return bytes(content)


def _is_last(content: bytes, page: int) -> bool:
    try:
        answer: dict[str, Any] = json.loads(content)
        items, information = answer["items"], answer["paginationInfo"]
        total = information.get("totalPages")
        return not items or (isinstance(total, int) and page >= total)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise UnreadableFile(f"Page {page} is no list of CommonGrants.") from None
