"""How the awards of a page suit a profile, and what its filters left out."""

from collections.abc import Sequence

from pydantic_core import to_json
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Match
from scholarship_api.catalogue.read_model.rule import MAX_SCORE
from scholarship_api.search.filters import Kept


def matches_of(kept: Kept, ordinals: Sequence[int]) -> list[Match | None]:
    """The match of each award; empty without a profile."""
    if kept.matches is None:
        return []
    found = kept.matches.of(ordinals)
    return [found.get(ordinal) for ordinal in ordinals]


def with_matches(items: list[bytes], matches: Sequence[Match | None]) -> list[bytes]:
    """The summaries, each a JSON object, with the fields of their matches."""
    if not matches:
        return items
    return [
        item if match is None else b"%b,%b" % (item[:-1], _fields(match))
        for item, match in zip(items, matches, strict=True)
    ]


def with_pins_marked(items: list[bytes], count: int) -> list[bytes]:
    """The summaries, of which the first `count` say that they are pinned."""
    if not count:
        return items
    return [b'%b,"pinned":true}' % item[:-1] for item in items[:count]] + items[count:]


def _fields(match: Match) -> bytes:
    fields = {"verdict": match.verdict, "match_score": match.score / MAX_SCORE}
    return to_json(fields)[1:]


def size_of(awards: BitMap | None) -> int | None:
    return None if awards is None else len(awards)
