"""The new results of many searches at once, among the same changed awards.

It finds what `new_results` finds, without running each search as a whole: when some of the awards
have all words of a search, the search ends with one of its forms that have all words. Where these
forms disagree about what is new, the search is run.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scholarship_api.catalogue import past_states
from scholarship_api.catalogue.past_states import Pair
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.errors import ValidationFailed
from scholarship_api.search import new_results, service
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.filters import keep
from scholarship_api.search.new_results import Since
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.wordings import Wording, wordings


@dataclass(frozen=True, slots=True)
class ChangedAwards:
    """The awards that have changed, as they are and as they were."""

    after: Since
    present: ReadModel
    past: ReadModel


@dataclass(frozen=True, slots=True)
class Question:
    """A search, and the changed awards that may be new results of it."""

    request: SearchRequest
    award_ids: Collection[str]


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of a search with the awards that its filters keep now, and kept before."""

    match: str | None
    now: frozenset[str]
    then: frozenset[str]
    is_fallback: bool

    def pairs(self, ids: frozenset[str]) -> set[Pair]:
        return set() if self.match is None else {(self.match, award_id) for award_id in ids}

    def having(self, ids: frozenset[str], found: Collection[Pair]) -> frozenset[str]:
        if self.match is None:
            return ids
        return frozenset(award_id for award_id in ids if (self.match, award_id) in found)


async def find(
    snapshot: Snapshot,
    questions: Sequence[Question],
    *,
    changed: ChangedAwards,
    codec: CursorCodec,
) -> list[frozenset[str]]:
    """The ids of the new results of each search. A search that cannot be run has none.

    Raises DatabaseUnavailable.
    """
    forms = [await _forms(snapshot, each, changed, codec) for each in questions]
    known = [form for of_one in forms if of_one is not None for form in of_one]
    now = await past_states.pairs_with_words(
        snapshot.fetch, set().union(*(form.pairs(form.now) for form in known))
    )
    then = await past_states.pairs_that_had_words(
        snapshot.fetch,
        changed.after.known,
        set().union(*(form.pairs(form.having(form.now, now) & form.then) for form in known)),
    )
    found = []
    for question, of_one in zip(questions, forms, strict=True):
        settled = None if of_one is None else _settle(of_one, now, then)
        if settled is None:
            settled = await _run(snapshot, question, changed, codec)
        found.append(settled)
    return found


async def _forms(
    snapshot: Snapshot, question: Question, changed: ChangedAwards, codec: CursorCodec
) -> list[_Form] | None:
    """The forms of a search; none for a search of which the filters keep no award, or whose words
    cannot be searched for. None if only the whole search can tell."""
    # Phrases of q only add filters.
    if not _kept_now(snapshot, Wording(question.request, None), question, changed):
        return []
    try:
        found = await wordings(snapshot, question.request, codec=codec)
    except ValidationFailed:
        return []
    if found is None:
        return None
    return [_form(snapshot, wording, question, changed) for wording in found]


def _form(
    snapshot: Snapshot, wording: Wording, question: Question, changed: ChangedAwards
) -> _Form:
    now = _kept_now(snapshot, wording, question, changed)
    then = _kept(changed.past, wording.request, now, at=changed.after.at) if now else frozenset()
    return _Form(wording.match, now, then.intersection(changed.after.known), wording.is_fallback)


def _kept_now(
    snapshot: Snapshot, wording: Wording, question: Question, changed: ChangedAwards
) -> frozenset[str]:
    return _kept(changed.present, wording.request, question.award_ids, at=snapshot.now)


def _kept(
    model: ReadModel, request: SearchRequest, award_ids: Collection[str], *, at: dt.datetime
) -> frozenset[str]:
    """The given awards that the filters keep."""
    within = model.ordinals.find_all(list(award_ids))
    if not within:
        return frozenset()
    return frozenset(model.ordinals.ids_of(keep(model, request, now=at, within=within).awards))


def _settle(
    forms: Sequence[_Form], now: Collection[Pair], then: Collection[Pair]
) -> frozenset[str] | None:
    """The new results if the forms agree; None if it depends on the form."""
    found_now = {form: form.having(form.now, now) for form in forms}
    new = {form: found_now[form] - form.having(form.then, then) for form in forms}
    if len(set(new.values())) <= 1:
        return next(iter(new.values()), frozenset())
    # A search that finds an award with its phrases as filters does not fall back to its words.
    first = [form for form in forms if not form.is_fallback]
    if all(found_now[form] for form in first) and len({new[form] for form in first}) == 1:
        return new[first[0]]
    return None


async def _run(
    snapshot: Snapshot, question: Question, changed: ChangedAwards, codec: CursorCodec
) -> frozenset[str]:
    try:
        resolved = await service.resolve(snapshot, question.request, codec=codec)
    except ValidationFailed:
        return frozenset()
    return frozenset(
        await new_results.new_results(
            snapshot, resolved, after=changed.after, among=question.award_ids, past=changed.past
        )
    )
