"""Feeds of a subject, and the deadlines that they show."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pydantic_core import from_json

from scholarship_api.applications import service as applications
from scholarship_api.audit import service as audit
from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.errors import Conflict, NotFound
from scholarship_api.feeds import entries, models, queries, readers, schemas, tokens
from scholarship_api.feeds.entries import Entry
from scholarship_api.feeds.models import FeedKind
from scholarship_api.feeds.responses import CALENDAR, Content
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.saved_searches import service as saved_searches
from scholarship_api.search.service import Page
from scholarship_api.subjects import creation
from scholarship_api.subjects import service as subjects
from scholarship_api.subjects.cursors import CursorCodec
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.results import StoredQuery
from scholarship_api.subjects.schemas import ListRequest
from scholarship_api.vocabulary import Status

LIST_NAME: Final = "feeds"
MAX_SEARCH_ENTRIES: Final = 100
"""Awards of a saved search in a feed, those that close soonest."""

NAMES: Final = {
    FeedKind.APPLICATIONS: "Scholarship deadlines: tracker",
    FeedKind.SAVED_SEARCH: "Scholarship deadlines: saved search",
    FeedKind.BOTH: "Scholarship deadlines",
}
"""The titles of feeds. The name of a search is personal, and stands in none of them."""


class FeedContent(NamedTuple):
    """The part of a feed that the database holds."""

    feed_id: uuid.UUID
    kind: FeedKind
    tracked: Sequence[Entry]
    search: StoredQuery | None


async def create(
    session: WriteSession,
    owner: Owner,
    *,
    new: schemas.NewFeed,
    creation_key: str | None,
    address: Callable[[str], str],
    source: ChangeSource,
) -> tuple[schemas.FeedWithAddresses, bool]:
    """The new feed with its secret addresses; `address` makes one of a path.

    The second value is true when an earlier request with the same key has created the feed. It gets
    new addresses then, as the first ones are not stored.

    Raises NotFound for a search of somebody else, Conflict when there are MAX_FEEDS, and
    ValidationFailed for a key that has created something else.
    """
    subject_id = await subjects.ensure(session, owner)
    token = tokens.new_token()
    digest = creation.fingerprint(new)
    if creation_key is not None:
        stored = await queries.created_by(session, subject_id, creation_key)
        if stored is not None:
            creation.require_same(stored.creation_digest, digest)
            await queries.replace_address(session, stored.id, digest=tokens.digest(token))
            await audit.record(session, "feed.readdressed", source=source, target_id=stored.id)
            return _with_addresses(stored, token, address), True
    if new.saved_search_id is not None:
        await saved_searches.read(session, owner, search_id=new.saved_search_id)
    if await queries.count(session, subject_id) >= schemas.MAX_FEEDS:
        raise Conflict(f"At most {schemas.MAX_FEEDS} feeds can be made; delete one.")
    added = await queries.add(
        session,
        {
            "id": uuid.UUID(new_id()),
            "subject_id": subject_id,
            "kind": new.kind.value,
            "saved_search_id": new.saved_search_id,
            "digest": tokens.digest(token),
            "creation_key": creation_key,
            "creation_digest": None if creation_key is None else digest,
        },
    )
    await audit.record(session, "feed.created", source=source, target_id=added.id)
    return _with_addresses(added, token, address), False


def _with_addresses(
    feed: models.Feed, token: str, address: Callable[[str], str]
) -> schemas.FeedWithAddresses:
    path = f"/api/v1/feeds/{token}"
    addresses = schemas.FeedAddresses(
        ics=address(f"{path}.ics"), atom=address(f"{path}.atom"), json_=address(f"{path}.json")
    )
    return schemas.FeedWithAddresses(**_shown(feed).model_dump(), addresses=addresses)


async def list_page(
    session: ReadSession, owner: Owner, *, request: ListRequest, codec: CursorCodec
) -> schemas.FeedPage:
    """Raises ValidationFailed for an invalid cursor."""
    after = codec.decode(LIST_NAME, request.cursor)
    subject_id = await subjects.find(session, owner)
    if subject_id is None:
        return schemas.FeedPage(items=[], next_cursor=None)
    rows = list(await queries.page(session, subject_id, after=after, limit=request.limit + 1))
    has_next = len(rows) > request.limit
    del rows[request.limit :]
    return schemas.FeedPage(
        items=[_shown(row) for row in rows],
        next_cursor=codec.encode(LIST_NAME, rows[-1].id) if has_next else None,
    )


async def delete(
    session: WriteSession, owner: Owner, *, feed_id: uuid.UUID, source: ChangeSource
) -> None:
    """Revoke the addresses of a feed at once. Raises NotFound."""
    subject_id = await subjects.lock(session, owner)
    removed = None
    if subject_id is not None:
        removed = await queries.remove(session, subject_id, feed_id)
    if removed is None:
        raise NotFound("There is no feed with this id.")
    await audit.record(session, "feed.deleted", source=source, target_id=feed_id)


async def personal_data(session: ReadSession, subject_id: uuid.UUID) -> object:
    """The feeds of a subject, oldest first, without their secret addresses."""
    rows = await queries.page(session, subject_id, after=None, limit=schemas.MAX_FEEDS)
    return [_shown(row).model_dump(mode="json") for row in rows]


async def read(session: ReadSession, *, token: str, now: dt.datetime) -> FeedContent:
    """The feed of a token.

    Raises NotFound for one that is unknown or revoked, and Conflict when it would show nothing but
    a search that cannot be run.
    """
    digest = tokens.digest(token)
    feed = None if digest is None else await queries.of_digest(session, digest)
    if feed is None:
        raise NotFound("There is no feed at this address, or no longer one.")
    kind = FeedKind(feed.kind)
    tracked: Sequence[Entry] = ()
    search = None
    if kind is not FeedKind.SAVED_SEARCH:
        rows = await applications.tracked(session, subject_id=feed.subject_id)
        tracked = entries.of_applications(rows, now=now)
    if feed.saved_search_id is not None:
        try:
            search = await saved_searches.query_by_id(
                session,
                search_id=feed.saved_search_id,
                limit=MAX_SEARCH_ENTRIES,
                sort="deadline",
            )
        except Conflict:
            # The deadlines of the tracker are shown all the same.
            if kind is FeedKind.SAVED_SEARCH:
                raise
    return FeedContent(feed.id, kind, tracked, search)


async def found_entries(fetch: Fetch, page: Page, *, now: dt.datetime) -> list[Entry]:
    """The deadlines of the awards on a page of results. Raises DatabaseUnavailable."""
    ids = [from_json(item)["id"] for item in page.items]
    awards = await catalogue.find_all(fetch, scholarship_ids=ids)
    return [
        entries.of_award(award, now=now) for award in awards if award.status == Status.PUBLISHED
    ]


def render(content: FeedContent, found: Sequence[Entry], *, as_format: schemas.Format) -> Content:
    shown = entries.merged(content.tracked, found)
    return render_entries(
        shown,
        name=NAMES[content.kind],
        feed_id=f"urn:uuid:{content.feed_id}",
        as_format=as_format,
    )


def render_entries(
    shown: Sequence[Entry], *, name: str, feed_id: str, as_format: schemas.Format
) -> Content:
    if as_format == "ics":
        # Imported here: the package icalendar would slow down the start of every command.
        from scholarship_api.feeds import calendars  # noqa: PLC0415

        return Content(calendars.calendar(shown, name=name), CALENDAR)
    if as_format == "atom":
        return Content(readers.atom(shown, name=name, feed_id=feed_id), readers.ATOM)
    return Content(readers.json_feed(shown, name=name), readers.JSON_FEED)


def _shown(row: models.Feed) -> schemas.Feed:
    return schemas.Feed(
        id=row.id,
        kind=FeedKind(row.kind),
        saved_search_id=row.saved_search_id,
        created_at=row.created_at,
    )
