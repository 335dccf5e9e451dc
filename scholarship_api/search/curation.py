"""Applies the rules of a query: pinned awards come first, hidden ones are left out.

A result with pins is the pinned awards and, after them, all others. The others are a search that
leaves the pinned awards out, so that they are neither repeated nor counted twice. A cursor holds
the pins that its walk began with.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from pydantic_core import to_json

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search import cursors, limits
from scholarship_api.search.asked import Asked, Curation, Found, PinnedWalk, ScoreBoost
from scholarship_api.search.filters import Kept
from scholarship_api.search.hits import matches_of
from scholarship_api.search.items import read_items
from scholarship_api.search.rules import NO_EFFECT, Boost, Effect
from scholarship_api.search.schemas import Sort
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import statements
from scholarship_api.search.sql.rules import ids_with_others_alone

_DIGEST_BYTES: Final = 6

Find = Callable[[Asked], Awaitable[Found]]


async def curated(asked: Asked) -> Asked:
    """The search with the rules for its words.

    Pins and boosts concern the order by relevance alone. Raises ValidationFailed for a cursor whose
    walk began with other boosts.
    """
    cursor, q = asked.cursor, asked.request.q
    if not q:
        return asked
    rules = await asked.snapshot.rules()
    effect = rules.effect_on(q, now=asked.snapshot.now)
    if effect is NO_EFFECT and (cursor is None or not (cursor.pinned or cursor.boosts)):
        return asked
    hidden = effect.hides | await _with_other_words(asked.snapshot, effect)
    asked = replace(asked, without=frozenset(asked.without) | hidden)
    if asked.request.order is not Sort.RELEVANCE:
        return asked
    boosts = await _score_boosts(asked.snapshot, effect.boosts)
    digest = _digest_of(effect.boosts) if boosts else None
    if cursor is not None and cursor.boosts != digest:
        raise cursors.other_rules()
    pins = tuple(pin for pin in effect.pins if pin not in hidden)
    if cursor is not None:
        pins = cursor.pinned
    return replace(asked, boosts=boosts, curation=Curation(pins, digest))


async def find_with_pins(asked: Asked, find: Find) -> Found:
    """The pinned awards that the filters keep, then what `find` finds without them."""
    curation = asked.curation
    if curation is None or not curation.pins:
        return await find(asked)
    request, cursor = asked.request, asked.cursor
    model = await asked.snapshot.model()
    kept = replace(asked, without=frozenset(asked.without) - set(curation.pins)).keep(model)
    pins = [pin for pin in curation.pins if _is_kept(pin, model, kept)]
    waiting = _waiting(pins, curation.pins, asked)
    shown, later = waiting[: request.limit], waiting[request.limit :]
    room = request.limit - len(shown)
    others = await find(
        replace(
            asked,
            request=request.model_copy(
                update={"limit": max(room, 1), "offset": max(0, request.offset - len(pins))}
            ),
            without=frozenset(asked.without) | set(curation.pins),
            counted_too=pins,
        )
    )
    wanted = {pin: model.row_versions[_ordinal(pin, model)] for pin in shown}
    matches = matches_of(kept, [_ordinal(pin, model) for pin in shown])
    items = await read_items(
        asked.snapshot.fetch,
        asked.snapshot.items,
        wanted,
        highlighted=others.text.match if others.text and request.highlight else None,
    )
    is_full = room == 0
    # An award may have been archived since the read model was asked.
    matches = [match for pin, match in zip(shown, matches, strict=bool(matches)) if pin in items]
    found = [items[pin] for pin in shown if pin in items]
    return replace(
        others,
        total=others.total + len(pins),
        items=[*found, *(() if is_full else others.items)],
        matches=[*matches, *(() if is_full else others.matches)],
        has_more=bool(later) or (bool(others.items) if is_full else others.has_more),
        # A page full of pins leaves the walk over the others where it is.
        keyset=(cursor.keyset if cursor else ()) if is_full else others.keyset,
        pinned=PinnedWalk(tuple(pins) if cursor is None else curation.pins, len(found), len(later)),
    )


def _waiting(pins: Sequence[str], all_pins: Sequence[str], asked: Asked) -> Sequence[str]:
    """The pins that no page before this one has shown."""
    if asked.cursor is None:
        return pins[asked.request.offset :]
    left = set(all_pins[len(all_pins) - asked.cursor.pins_left :])
    return [pin for pin in pins if pin in left]


def _is_kept(award_id: str, model: ReadModel, kept: Kept) -> bool:
    ordinal = model.ordinals.find(award_id)
    return ordinal is not None and ordinal in kept.awards


def _ordinal(award_id: str, model: ReadModel) -> int:
    ordinal = model.ordinals.find(award_id)
    return -1 if ordinal is None else ordinal


async def _with_other_words(snapshot: Snapshot, effect: Effect) -> frozenset[str]:
    """The awards that have only other words with the stem of a word of the query."""
    hidden: set[str] = set()
    for pair in effect.separated:
        found = await ids_with_others_alone(
            snapshot.fetch, pair.words, pair.others, limit=limits.MAX_SEPARATED_AWARDS
        )
        hidden.update(found or ())
    return frozenset(hidden)


async def _score_boosts(snapshot: Snapshot, boosts: Sequence[Boost]) -> tuple[ScoreBoost, ...]:
    resolved = []
    for boost in sorted(boosts, key=lambda boost: -boost.factor):
        award_ids = boost.award_ids
        if boost.organization is not None:
            award_ids += tuple(
                await statements.ids_of_organization(snapshot.fetch, boost.organization)
            )
        resolved.append(ScoreBoost(boost.factor, award_ids, boost.field_of_study))
    return tuple(resolved)


def _digest_of(boosts: Sequence[Boost]) -> str:
    return hashlib.blake2b(to_json(boosts), digest_size=_DIGEST_BYTES).hexdigest()
