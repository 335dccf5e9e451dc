"""The forms of a search that may decide its results, known without running it.

A search ends with its words as they were typed, with corrections, or without synonyms, and with or
without interpreted phrases. Which form it is depends on how many awards each finds.
"""

from dataclasses import dataclass, replace

from scholarship_api.search import service, text_search
from scholarship_api.search.asked import Asked
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Wording:
    """One form of a search: awards that its filters keep and that have all of its words."""

    request: SearchRequest
    match: str | None
    """The words as a tsquery; None without words."""
    is_fallback: bool = False
    """Whether it is searched for only when the interpreted phrases leave nothing."""


async def wordings(
    snapshot: Snapshot, request: SearchRequest, *, codec: CursorCodec
) -> list[Wording] | None:
    """The forms with all words that the search may end with. None: it may look for a name.

    Raises ValidationFailed for words that cannot be searched for.
    """
    if not request.q:
        return [Wording(request, None)]
    asked = Asked(
        snapshot=snapshot,
        request=request,
        codec=codec,
        filters=request.applied_filters(),
        digest="",  # only cursors need it
        cursor=None,
    )
    understood = await service.interpreted(asked)
    found = await _wordings(understood)
    if found is None or understood is asked:
        return found
    fallbacks = await _wordings(asked)
    if fallbacks is None:
        return None
    return [*found, *(replace(each, is_fallback=True) for each in fallbacks)]


async def _wordings(asked: Asked) -> list[Wording] | None:
    if not asked.request.q:  # all of it was filters
        return [Wording(asked.request, None)]
    text = await text_search.query_of(asked)
    if text is None:
        return None
    matches = [each.match for each in service.with_all_words(text) if each is not None]
    return [Wording(asked.request, match) for match in dict.fromkeys(matches)]
