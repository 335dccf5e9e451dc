"""The kinds of search, each as a list of requests that find few to many awards.

A kind is as slow as its slowest request, because a search must be fast for common words too.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from urllib.parse import quote

from benchmarks.load import Connection
from benchmarks.mixes import MIN_PREFIX
from benchmarks.queries import SEARCH, Word, misspelt, search

PAGES: Final = 5
"""Pages of a walk before the page that is measured."""

Request = dict[str, object]
"""The parameters of a search."""

FILTERS: Final[tuple[Request, ...]] = (
    {},
    {"states": "WY"},
    {"states": "CA,TX", "fields_of_study": "engineering"},
    {"fields_of_study": "law", "states": "WY", "grade_level": "post_doctoral"},
    {"fields_of_study": "nursing", "scholarship_types": "need_based"},
    {"grade_level": "doctoral", "scholarship_types": "athletic"},
    {"min_amount": 50_000},
    {"max_amount": 500, "states": "AK"},
    {"min_gpa": 1.5, "fields_of_study": "arts"},
    {"citizenship": "CA"},
    {"renewable": "true", "states": "NY"},
    {"deadline_before": "2027-06-30", "fields_of_study": "business"},
    {"include_closed": "true", "states": "VT"},
    {"sort": "amount", "states": "RI", "fields_of_study": "mathematics"},
    {"sort": "newest", "fields_of_study": "medicine"},
    {"sort": "amount", "citizenship": "MX", "grade_level": "graduate"},
)


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    paths: tuple[str, ...]
    smallest_page: int = 20

    def asked(self, position: int, time: int) -> str:
        """The path with another page size each time, so that no cache has its answer.

        Sizes begin at `smallest_page`. Ten of them are possible, because suggestions have at most
        20.
        """
        path = self.paths[position]
        return f"{path}{'&' if '?' in path else '?'}limit={self.smallest_page + time}"


def _paths(requests: Sequence[Request]) -> tuple[str, ...]:
    return tuple(search(**request) if request else SEARCH for request in requests)


def text_searches(words: Sequence[Word]) -> list[Kind]:
    """Searches for words of a sweep, from rare to common."""
    texts = [word.text for word in words]
    both = [f"{rare} {common}" for rare, common in pairwise(texts)]
    by_kind: dict[str, list[Request]] = {
        "one word": [{"q": text} for text in texts],
        "two words": [{"q": text} for text in both],
        "prefix": [{"q": text[:MIN_PREFIX]} for text in texts],
        "misspelt word": [{"q": misspelt(text)} for text in texts],
        "word and not another": [{"q": f"{b} -{a}"} for a, b in pairwise(texts)],
        "word and filters": [
            {"q": text, "states": "CA", "fields_of_study": "engineering"} for text in texts
        ],
        "word by amount": [{"q": text, "sort": "amount"} for text in texts],
        "word by deadline": [{"q": text, "sort": "deadline"} for text in texts],
    }
    return [Kind(name, _paths(requests)) for name, requests in by_kind.items()]


def flat_searches(words: Sequence[Word]) -> list[Kind]:
    """Searches whose time should hardly grow with the catalogue; see also `keyset_pages`."""
    prefixes = sorted({word.text[:length] for word in words for length in (1, 2, 4)})
    return [
        Kind("filters", _paths(FILTERS)),
        Kind(
            "suggestions",
            tuple(f"{SEARCH}/suggestions?prefix={prefix}" for prefix in prefixes),
            smallest_page=10,
        ),
        Kind("facets of filters", _paths([{**request, "facets": "true"} for request in FILTERS])),
        Kind("facets of a word", _paths([{"q": w.text, "facets": "true"} for w in words])),
    ]


def keyset_pages(client: Connection, requests: Sequence[Request]) -> dict[str, str]:
    """The path of page PAGES + 1 by the path of the first page, for requests with so many pages."""
    found = {}
    for first in _paths(requests):
        path = first
        for _ in range(PAGES):
            cursor = json.loads(client.ask(path).body).get("next_cursor")
            if cursor is None:
                break
            path = f"{first}{'&' if '?' in first else '?'}cursor={quote(cursor, safe='')}"
        else:
            found[first] = path
    return found
