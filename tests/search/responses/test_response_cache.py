"""Answers that are kept: never older than what they were made of, and never too many."""

import datetime as dt

from pydantic_core import to_json

from scholarship_api.catalogue.versions import Version
from scholarship_api.search.responses.json_response import Answer
from scholarship_api.search.responses.response_cache import Address, AnswerCache, Known

NOW = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)


def took(items: list[str], *, took_ms: float) -> Answer:
    return Answer.of(to_json({"items": items, "took_ms": took_ms, "has_next": True}))


def answer(text: str) -> Answer:
    return Answer.of(to_json({"items": [text]}))


def address(number: int) -> Address:
    return "/search", b"q=%d" % number, b"api.example.org", None


def version(number: int) -> Version:
    return Version(NOW, number)


def test_an_answer_is_found_at_its_own_version_alone() -> None:
    cache = AnswerCache()
    old, new = answer("old"), answer("new")
    cache.keep(version(1), "q", old)
    assert cache.get(version(1), "q") is old
    assert cache.get(version(2), "q") is None
    cache.keep(version(2), "q", new)
    assert cache.get(version(2), "q") is new


def test_what_was_made_too_late_is_not_kept() -> None:
    cache = AnswerCache()
    assert cache.get(version(2), "q") is None
    cache.keep(version(1), "q", answer("old"))
    assert cache.get(version(2), "q") is None
    assert cache.get(version(1), "q") is None


def test_the_cache_is_bounded_and_forgets_what_was_not_used() -> None:
    cache = AnswerCache(max_answer_bytes=20_000, max_address_bytes=2_000)
    for number in range(100):
        cache.keep(version(1), f"q{number}", answer("x" * 1_000))
        assert cache.get(version(1), "q0") is not None
        known = Known(f"q{number}", "/search", None, ())
        cache.remember(address(number), known)
        assert cache.size <= 22_000
    assert cache.get(version(1), "q99") is not None
    assert cache.get(version(1), "q1") is None
    assert cache.known(address(99)) is not None
    assert cache.known(address(0)) is None


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    cache = AnswerCache(max_answer_bytes=1_000)
    cache.keep(version(1), "small", answer("x"))
    cache.keep(version(1), "large", answer("x" * 2_000))
    assert cache.get(version(1), "large") is None
    assert cache.get(version(1), "small") is not None


def test_keeping_again_counts_once() -> None:
    cache = AnswerCache()
    cache.keep(version(1), "q", answer("x" * 100))
    size = cache.size
    cache.keep(version(1), "q", answer("x" * 100))
    assert cache.size == size


def test_the_etag_ignores_the_time_that_was_taken() -> None:
    fast = took(["a"], took_ms=1)
    slow = took(["a"], took_ms=2.5)
    other = took(["b"], took_ms=1)
    assert fast.etag == slow.etag != other.etag
    assert fast.etag.startswith(b'W/"')
    assert answer("a").etag.startswith(b'"')


def test_a_text_that_looks_like_the_time_is_left_alone() -> None:
    made = took(['"took_ms":1,', "took_ms"], took_ms=3)
    assert made.tail == b',"has_next":true}'
    assert b'\\"took_ms\\":1,' in made.head
