"""Deadlines for feed readers: Atom (RFC 4287) and JSON Feed 1.1."""

import datetime as dt
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from pydantic_core import to_json

from scholarship_api.feeds.entries import Entry

ATOM: Final = "application/atom+xml; charset=utf-8"
JSON_FEED: Final = "application/feed+json; charset=utf-8"
_NAMESPACE: Final = "http://www.w3.org/2005/Atom"
_BEGINNING: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def atom(entries: Sequence[Entry], *, name: str, feed_id: str) -> bytes:
    """`feed_id` is a URI that stays the same."""
    feed = ET.Element("feed", xmlns=_NAMESPACE)
    _add(feed, "id", feed_id)
    _add(feed, "title", name)
    _add(feed, "updated", _newest(entries).isoformat())
    _add(ET.SubElement(feed, "author"), "name", "Scholarship API")
    for entry in entries:
        element = ET.SubElement(feed, "entry")
        _add(element, "id", _id_of(entry))
        _add(element, "title", entry.title)
        _add(element, "updated", entry.updated_at.astimezone(dt.UTC).isoformat())
        _add(element, "summary", entry.summary)
        if entry.url is not None:
            ET.SubElement(element, "link", rel="alternate", href=entry.url)
    content: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content


def json_feed(entries: Iterable[Entry], *, name: str) -> bytes:
    items = [_item(entry) for entry in entries]
    return to_json({"version": "https://jsonfeed.org/version/1.1", "title": name, "items": items})


def _item(entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": _id_of(entry),
        "title": entry.title,
        "content_text": entry.summary,
        "date_modified": entry.updated_at.astimezone(dt.UTC).isoformat(),
        "_scholarship": {
            "scholarship_id": entry.award_id,
            "round_key": entry.round_key,
            "application_deadline": entry.deadline.at,
            "deadline_kind": entry.deadline.kind,
            "deadline_timezone": entry.deadline.timezone,
            "deadline_estimated": entry.deadline.is_estimated,
            "archived": entry.is_archived,
        },
    }
    return item if entry.url is None else item | {"url": entry.url}


def _id_of(entry: Entry) -> str:
    return f"urn:scholarship-api:deadline:{quote(entry.key)}"


def _newest(entries: Iterable[Entry]) -> dt.datetime:
    return max((entry.updated_at for entry in entries), default=_BEGINNING).astimezone(dt.UTC)


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text
