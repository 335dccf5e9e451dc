"""The awards that have become results of a search since an instant.

An award is a new result when the search finds it now, and would not have found it as it was then:
it was not published, was closed, or its fields or words did not suit. Only awards that have changed
since can be new. Words are those that the whole search has ended with, after corrections and
synonyms. Where no award has all words, and the search falls back to fewer of them, nothing is new.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from scholarship_api.catalogue import past_states
from scholarship_api.catalogue.past_states import Changed
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.errors import ValidationFailed
from scholarship_api.search import service
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.filters import keep
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.service import Page, Resolved
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import statements

MAX_AGE: Final = dt.timedelta(days=30)
"""The audit, from which past states are read, is kept for at least so long."""

MAX_PAST_AWARDS: Final = 5_000
"""Awards of which the past state is read for one answer, 0.1 ms each."""


@dataclass(frozen=True, slots=True)
class Since:
    """The awards that have changed since an instant, and what they were then."""

    at: dt.datetime
    changed: Changed

    @property
    def known(self) -> Mapping[str, int]:
        """The first changes of the awards that existed before."""
        created = self.changed.created
        return {
            award_id: change
            for award_id, change in self.changed.first_changes.items()
            if award_id not in created
        }


async def since(snapshot: Snapshot, instant: dt.datetime) -> Since:
    """Raises ValidationFailed for an instant in the future, or too long ago."""
    if instant > snapshot.now:
        raise ValidationFailed.of("since", "must not be in the future")
    if instant < snapshot.now - MAX_AGE:
        raise ValidationFailed.of("since", f"must be at most {MAX_AGE.days} days ago")
    changed = await past_states.changed_since(snapshot.fetch, instant)
    if changed is None:
        raise too_many()
    return Since(instant, changed)


def too_many() -> ValidationFailed:
    return ValidationFailed.of(
        "since", "too many awards have changed since then; give a later instant"
    )


async def page(
    snapshot: Snapshot,
    request: SearchRequest,
    *,
    codec: CursorCodec,
    instant: dt.datetime,
    without: Collection[str] = (),
) -> Page:
    """A page of the results of a search that are new since an instant.

    Raises ValidationFailed for a bad instant, and for a cursor that does not fit.
    """
    after = await since(snapshot, instant)
    resolved = await service.resolve(snapshot, request, codec=codec)
    found = await new_results(snapshot, resolved, after=after)
    return await service.search_among(
        snapshot,
        request,
        codec=codec,
        resolved=resolved,
        only=sorted(found - frozenset(without)),
        purpose=f"since {instant.isoformat()}",
    )


async def new_results(
    snapshot: Snapshot,
    resolved: Resolved,
    *,
    after: Since,
    among: Collection[str] | None = None,
    past: ReadModel | None = None,
) -> set[str]:
    """The ids of the awards that have become results; of `among`, if given.

    `past` are the awards as they were, for callers that check many searches. Raises
    ValidationFailed if the past of too many awards would have to be read.
    """
    if resolved.is_relaxed:
        return set()
    candidates = after.changed.first_changes if among is None else among
    now = await _results_now(snapshot, resolved, candidates)
    known = {award_id: after.known[award_id] for award_id in now if award_id in after.known}
    if past is None:
        if len(known) > MAX_PAST_AWARDS:
            raise too_many()
        model = await snapshot.model()
        past = await past_states.model_before(snapshot.fetch, known, unchecked=model.unchecked)
    kept = keep(past, resolved.request, now=after.at, within=past.ordinals.find_all(list(known)))
    then = set(past.ordinals.ids_of(kept.awards))
    if resolved.text is not None:
        then = await past_states.had_words(
            snapshot.fetch, known, sorted(then), match=resolved.text.match
        )
    return now - then


async def _results_now(
    snapshot: Snapshot, resolved: Resolved, candidates: Collection[str]
) -> set[str]:
    model = await snapshot.model()
    within = model.ordinals.find_all(list(candidates))
    if resolved.named is not None:
        within &= model.ordinals.find_all(resolved.named)
    kept = keep(model, resolved.request, now=snapshot.now, within=within).awards
    ids = model.ordinals.ids_of(kept)
    if resolved.text is None or not ids:
        return set(ids)
    found = await statements.matching_among(snapshot.fetch, resolved.text.match, ids)
    return {award_id.decode() for award_id in found}
