"""The measured requests are valid, and no request is sent twice."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from benchmarks.latency import SAMPLES
from benchmarks.queries import SHARES, Word, pairs
from benchmarks.searches import Kind, flat_searches, text_searches
from scholarship_api.search.schemas import SearchRequest, SuggestionRequest

TEXTS = "anandanathan advocacy favorite information local club judge financial must scholarship"
WORDS = [Word(text, text, share) for text, share in zip(TEXTS.split(), SHARES, strict=True)]
KINDS = [*text_searches(WORDS), *flat_searches(WORDS)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_request_is_valid_and_asked_once(kind: Kind) -> None:
    asked = [
        kind.asked(position, time)
        for position in range(len(kind.paths))
        for time in range(SAMPLES + 1)
    ]
    assert len(set(asked)) == len(asked)
    model = SuggestionRequest if "suggestions" in asked[0] else SearchRequest
    for path in asked:
        model.model_validate(dict(parse_qsl(urlsplit(path).query)))


def test_words_of_every_share_are_asked() -> None:
    one_word = next(kind for kind in KINDS if kind.name == "one word")
    assert len(one_word.paths) == len(SHARES)


def test_pairs_are_of_words_that_a_page_of_awards_can_hold_together() -> None:
    found = pairs(WORDS, rows=10_000, seed=1)
    assert len(set(found)) == len(found) > 5
    assert all(one.share * other.share * 10_000 >= 20 for one, other in found)
    assert found == pairs(WORDS, rows=10_000, seed=1)
    assert found != pairs(WORDS, rows=10_000, seed=2)
