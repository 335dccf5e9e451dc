"""The streams of requests are valid, varied and without repetitions."""

import json
from collections import Counter
from itertools import islice
from urllib.parse import parse_qsl, urlsplit

import pytest

from benchmarks import mixes
from benchmarks.catalogues import Catalogue
from benchmarks.peers import groonga
from benchmarks.queries import SHARES, Word
from scholarship_api.eligibility.schemas import CheckRequest
from scholarship_api.search.schemas import SearchRequest

WORDS = [Word(f"a{number}word", f"a{number}", share) for number, share in enumerate(SHARES)]


@pytest.fixture
def awards(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A catalogue whose words are known without a server."""
    monkeypatch.setattr(mixes, "_words", lambda _: WORDS)
    return Catalogue(100_000, "postgresql://localhost/none")


def parameters(path: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(path).query))


def test_mixed_searches_are_valid_and_do_not_repeat(awards: Catalogue) -> None:
    paths = list(islice(mixes.mixed_searches(awards), 1_000))
    assert len(set(paths)) == len(paths)
    for path in paths:
        SearchRequest.model_validate(parameters(path))


def test_mixed_searches_have_words_and_filters(awards: Catalogue) -> None:
    requests = [parameters(path) for path in islice(mixes.mixed_searches(awards), 1_000)]
    kinds = Counter(("q" in one, bool(one.keys() - {"q", "limit"})) for one in requests)
    assert kinds[True, False] > 600
    assert kinds[True, True] > 80
    assert kinds[False, True] > 80


def test_filter_searches_are_valid_and_use_every_filter() -> None:
    requests = [parameters(path) for path in islice(mixes.filter_searches(), 500)]
    used = Counter(name for one in requests for name in one)
    assert set(used) >= {"states", "min_gpa", "citizenship", "renewable", "max_amount"}
    for one in requests:
        assert 2 <= len(one) <= 4
        SearchRequest.model_validate(one)


def test_profiles_are_valid() -> None:
    for request in islice(mixes.posts("/check", mixes.profiles()), 100):
        assert request.method == "POST"
        CheckRequest.model_validate(json.loads(request.body))


def test_a_search_becomes_a_command_of_groonga() -> None:
    path = "/api/v1/search?q=nursing+essay&states=CA%2CTX&min_amount=500&limit=10"
    command = parameters(groonga.path_of(path))
    assert command["query"] == "nursing essay"
    assert command["limit"] == "10"
    assert 'states @ "CA" || states @ "TX" || states @ "*"' in command["filter"]
    assert "amount >= 500" in command["filter"]
