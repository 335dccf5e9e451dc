"""If-None-Match and If-Match, header value by header value."""

import pytest

from scholarship_api.errors import BadRequest
from scholarship_api.platform.http.conditional import (
    cacheable_json,
    digest,
    entity_tag,
    if_match,
    is_not_modified,
)


def test_an_entity_tag_is_quoted_and_says_that_it_is_weak() -> None:
    assert entity_tag("a") == b'"a"'
    assert entity_tag("a", weak=True) == b'W/"a"'


def test_the_digest_depends_on_each_part() -> None:
    assert digest(b"ab", b"c") == digest(b"abc") != digest(b"abd")


@pytest.mark.parametrize("etag", [b'"a"', b'W/"a"'])
@pytest.mark.parametrize("value", [b'"a"', b'W/"a"', b'"x", "a"', b'"x",W/"a"', b"*", b' "a" '])
def test_if_none_match_compares_weakly(etag: bytes, value: bytes) -> None:
    assert is_not_modified(etag, [(b"if-none-match", value)])


@pytest.mark.parametrize("value", [b"", b'"b"', b"a", b'"a', b'"aa"'])
def test_if_none_match_with_other_tags_does_not_match(value: bytes) -> None:
    assert not is_not_modified(b'"a"', [(b"if-none-match", value)])


def test_if_none_match_may_come_in_several_lines() -> None:
    lines = [(b"if-none-match", b'"x"'), (b"accept", b'"a"'), (b"if-none-match", b'"a"')]
    assert is_not_modified(b'"a"', lines)
    assert not is_not_modified(b'"a"', lines[:2])


def test_a_304_has_the_caching_headers_and_no_body() -> None:
    def respond(headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes, dict[bytes, bytes]]:
        scope = {"type": "http", "headers": headers}
        response = cacheable_json(scope, b"{}", etag=b'"a"', cache_control=b"no-cache")
        return response.status_code, bytes(response.body), dict(response.raw_headers)

    caching = {b"etag": b'"a"', b"cache-control": b"no-cache"}
    whole = {b"content-length": b"2", b"content-type": b"application/json"}
    assert respond([]) == (200, b"{}", caching | whole)
    assert respond([(b"if-none-match", b'"a"')]) == (304, b"", caching)


def test_if_match_lists_strong_and_weak_tags() -> None:
    assert if_match(['"1-a", W/"2"', '""']) == ["1-a", "2", ""]


def test_if_match_with_a_star_stands_for_any_version() -> None:
    assert if_match(["*"]) is None


@pytest.mark.parametrize("lines", [[], [""], [" , "]])
def test_an_empty_if_match_lists_nothing(lines: list[str]) -> None:
    assert if_match(lines) == []


@pytest.mark.parametrize("value", ["1", "*, *", '"unfinished', '"a" "b', "w/'a'"])
def test_a_malformed_if_match_is_refused(value: str) -> None:
    with pytest.raises(BadRequest):
        if_match([value])
