"""The names of the events on awards."""

from enum import StrEnum
from typing import Final


class Event(StrEnum):
    PUBLISHED = "scholarship.published"
    UPDATED = "scholarship.updated"
    DEADLINE_CHANGED = "scholarship.deadline_changed"
    CLOSING_SOON = "scholarship.closing_soon"
    CLOSED = "scholarship.closed"
    ARCHIVED = "scholarship.archived"


FEED_ACTIONS: Final = {
    Event.PUBLISHED: "created",
    Event.UPDATED: "updated",
    Event.ARCHIVED: "archived",
}
"""The events that change a copy of the catalogue, and how the feed of changes calls them."""
