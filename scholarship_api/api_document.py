"""The OpenAPI document's description of the service as a whole."""

import re
from typing import Any, Final

from fastapi.routing import APIRoute

DESCRIPTION: Final = """\
Find scholarships, check eligibility, and publish awards.

- **Searching and eligibility checks need no account.** Log in, and send the token as
  `Authorization: Bearer <token>`, to write awards, record interactions or read analytics. Programs
  send an API key in its place, or as `X-API-Key`.
- **Every error has one form**: `code` for programs, `message` for people, and `trace_id` to report.
- **Lists** are paged by `next_cursor`, which neither skips nor repeats rows.
- **Limits**: answers have `X-RateLimit-*` headers, and a 429 says in `Retry-After` when to go on.
- **Changes of an award** need its `ETag` in `If-Match`. `Idempotency-Key` makes a creation safe to
  repeat.
"""

TAGS: Final = [
    {"name": "search", "description": "Search, list and complete. No account is needed."},
    {
        "name": "search rules",
        "description": "Synonyms, and awards that come first or are left out. For administrators.",
    },
    {"name": "scholarships", "description": "Read, create, change and import single awards."},
    {
        "name": "eligibility",
        "description": "Check a student's profile against the criteria of awards. Nothing is kept.",
    },
    {
        "name": "recommendations",
        "description": "Open awards by how well they suit a profile. Nothing is kept.",
    },
    {
        "name": "vocabularies",
        "description": "The codes of requests and answers with labels, for forms.",
    },
    {"name": "accounts", "description": "Log in and out, and manage the account of the token."},
    {
        "name": "API keys",
        "description": "Keys for programs, and how much they are used. For administrators.",
    },
    {
        "name": "changes",
        "description": "What has changed in the catalogue, for programs that keep a copy of it.",
    },
    {"name": "mail", "description": "The address that alerts are sent to."},
    {"name": "webhooks", "description": "Messages to your own server when awards change."},
    {"name": "audit", "description": "What has changed, when, and by whom."},
    {"name": "interactions", "description": "Record what a student does with an award."},
    {"name": "analytics", "description": "Totals for administrators and partners."},
    {
        "name": "CommonGrants",
        "description": "The awards as opportunities of the CommonGrants protocol, version 0.4.0.",
    },
    {
        "name": "profiles",
        "description": "A student's answers, stored once. A platform stores those of its subjects.",
    },
    {"name": "saved searches", "description": "Searches that are kept, and told about."},
    {"name": "applications", "description": "The tracker: awards and how far an application is."},
    {"name": "feeds", "description": "Deadlines for calendars and feed readers."},
    {"name": "subjects", "description": "The people that a platform's backend stores data of."},
    {"name": "health", "description": "Probes, metrics and the index. They are never limited."},
]


def operation_id(route: APIRoute) -> str:
    """The name of the route's function: short, and a good name for a method of a client."""
    return route.name


_REFERENCE: Final = "#/components/schemas/"
_MODULE: Final = re.compile(r"^[a-z_0-9]+__(?=[A-Z])")
_SCHEMA_NAMES: Final = {
    "scholarship_api__applications__schemas__Application": "TrackedApplication",
    "scholarship_api__catalogue__award_parts__Application": "AwardApplication",
}
"""The names of schemas whose classes have the same name in two features."""


def with_plain_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document with names of schemas from which generators can make classes.

    Where a model is read and written in different forms, FastAPI calls these `Round-Input` and
    `Round-Output`, with the same title: here they are `RoundInput` and `Round`.
    """
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    names = {name: _plain_name(name) for name in schemas}
    taken = list(names.values())
    if len(set(taken)) < len(taken):
        repeated = sorted({name for name in taken if taken.count(name) > 1})
        raise ValueError(f"schemas of the same name: {', '.join(repeated)}")
    renamed: dict[str, Any] = _with_references(document, names)
    renamed["components"]["schemas"] = {
        names[name]: {**schema, "title": names[name]}
        for name, schema in renamed["components"]["schemas"].items()
    }
    return renamed


def _plain_name(name: str) -> str:
    stem, _, direction = name.partition("-")
    stem = _SCHEMA_NAMES.get(stem, _MODULE.sub("", stem))
    return f"{stem}Input" if direction == "Input" else stem


def _with_references(part: Any, names: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        return [_with_references(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    changed = {key: _with_references(value, names) for key, value in part.items()}
    reference = changed.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REFERENCE):
        name = reference.removeprefix(_REFERENCE)
        changed["$ref"] = _REFERENCE + names.get(name, name)
    return changed
