"""Reads opportunities of CommonGrants: the answers of a server to lists, or to the read of one.

The fields that this service adds to its own opportunities give an award back as it was. Of others,
nothing is taken for known that the standard does not say: their criteria stay words, and
`criteria_complete` is false.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic_core import from_json

from scholarship_api.catalogue.bulk.records import Record
from scholarship_api.catalogue.columns import InvalidAward
from scholarship_api.exchange.common_grants.opportunities import DETAIL_FIELDS
from scholarship_api.exchange.json_items import json_items
from scholarship_api.exchange.texts import as_requirements, email_or_none, url_or_none, visible

_LISTS: Final = ("items", "data")
"""The members of answers that hold opportunities."""
_ZONE: Final = re.compile(r"In ([A-Za-z_]+(?:/[A-Za-z0-9_+\-]+)*)\.")
_OWN_FIELDS: Final = frozenset(
    {
        "legacyId",
        "agency",
        "contactInfo",
        "additionalInfo",
        "eligibilityCriteria",
        "scholarshipEligibility",
        "requirements",
        "lastVerifiedOn",
        "scholarshipDetails",
    }
)
_NO_ORGANIZATION: Final = "Unknown organization"


def read_common_grants(chunks: Iterable[bytes], /) -> Iterator[Record]:
    """A RecordReader."""
    for item in json_items(chunks, _LISTS):
        if item.content is None:
            yield Record(item.line, InvalidAward("the opportunity is too long"))
            continue
        try:
            opportunity = from_json(item.content)
        except ValueError:
            yield Record(item.line, InvalidAward("the opportunity is not valid JSON"))
            continue
        yield Record(item.line, to_award(opportunity))


def to_award(opportunity: Mapping[str, Any]) -> dict[str, object] | InvalidAward:
    """The fields of an award, as an import takes them."""
    try:
        return _award(opportunity)
    except (AttributeError, KeyError, TypeError, ValueError):
        return InvalidAward("the record is no opportunity of CommonGrants")


def _award(opportunity: Mapping[str, Any]) -> dict[str, object]:
    fields: Mapping[str, Any] = {
        name: field["value"] for name, field in opportunity.get("customFields", {}).items()
    }
    award: dict[str, object] = {
        "id": _id(opportunity, fields),
        "name": opportunity["title"],
        "organization": fields.get("agency", {}).get("name") or _NO_ORGANIZATION,
        "description": visible(opportunity["description"]),
        "scholarship_type": "merit_based",
        **_amounts(opportunity.get("funding") or {}),
    }
    if award["description"] == award["name"]:
        award["description"] = ""
    details = fields.get("scholarshipDetails") or {}
    award |= {name: details[name] for name in DETAIL_FIELDS if name in details}
    if not award.get("rounds"):
        award |= _deadline(opportunity.get("keyDates") or {}, award)
    else:
        for name in ("deadline_kind", "deadline_estimated", "notification_date"):
            award.pop(name, None)
    award |= _addresses(opportunity, fields)
    award |= _eligibility(fields)
    if fields.get("requirements"):
        award["requirements"] = fields["requirements"]
        award.pop("essay_required", None)
        award.pop("recommendation_letters", None)
    if fields.get("lastVerifiedOn"):
        award["last_verified_on"] = fields["lastVerifiedOn"]
    _keep_the_rest(award, opportunity, fields)
    return award


def _id(opportunity: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    own = fields.get("legacyId")
    if isinstance(own, str) and re.fullmatch(r"[A-Za-z0-9._:~-]{1,128}", own):
        return own
    number = str(opportunity["id"])
    if re.fullmatch(r"[A-Za-z0-9-]{1,100}", number):
        return f"cg_{number}"
    return f"cg_{hashlib.sha256(number.encode()).hexdigest()[:32]}"


def _amounts(funding: Mapping[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    for ours, theirs in (("amount_min", "minAwardAmount"), ("amount_max", "maxAwardAmount")):
        if money := funding.get(theirs):
            found[ours] = money["amount"]
            found["currency"] = money["currency"]
    if (count := funding.get("maxAwardCount")) is not None:
        found["max_awards"] = count
    return found


def _deadline(dates: Mapping[str, Any], award: Mapping[str, Any]) -> dict[str, object]:
    """The deadline and, if the opening is known too, a round."""
    close = dates.get("closeDate") or {}
    zone = _zone_of(close) or str(award.get("deadline_timezone") or "UTC")
    closes_at = _moment(close, "date", "time") or _moment(close, "endDate", "endTime")
    opens_at = _moment(dates.get("postDate") or {}, "date", "time")
    notification = ((dates.get("otherDates") or {}).get("notification") or {}).get("date")
    if opens_at is None:
        found: dict[str, object] = {"deadline_timezone": zone, "notification_date": notification}
        if closes_at is not None:
            found |= {"application_deadline": closes_at, "deadline_kind": "fixed"}
        elif award.get("deadline_kind") == "fixed":
            found["deadline_kind"] = "unknown"
        elif "rolling" in (dates.get("otherDates") or {}):
            found["deadline_kind"] = "rolling"
        return found
    return {
        "deadline_timezone": zone,
        "deadline_kind": None,
        "deadline_estimated": False,
        "notification_date": None,
        "rounds": [
            {
                "opens_at": opens_at,
                "closes_at": closes_at,
                "timezone": zone,
                "estimated": "Estimated." in (close.get("description") or ""),
                "notification_on": notification,
            }
        ],
    }


def _moment(event: Mapping[str, Any], date: str, time: str) -> str | None:
    """An instant without a zone, or a day."""
    if not event.get(date):
        return None
    return f"{event[date]}T{event[time]}" if event.get(time) else str(event[date])


def _zone_of(event: Mapping[str, Any]) -> str | None:
    found = _ZONE.match(event.get("description") or "")
    return found[1] if found else None


def _addresses(opportunity: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, object]:
    return {
        "website_url": url_or_none(opportunity.get("source")),
        "application_url": url_or_none((fields.get("additionalInfo") or {}).get("url")),
        "contact_email": email_or_none((fields.get("contactInfo") or {}).get("email")),
    }


def _eligibility(fields: Mapping[str, Any]) -> dict[str, object]:
    own = fields.get("scholarshipEligibility")
    if own:
        return {
            "eligibility_sets": own.get("sets") or [],
            "preferences": own.get("preferences") or [],
            "other_requirements": own.get("other_requirements") or [],
            "criteria_complete": own.get("complete") is True,
        }
    criteria = fields.get("eligibilityCriteria") or {}
    texts = [criteria.get("details") or ""]
    texts += [str(each.get("name")) for each in criteria.get("beneficiaryTypes") or ()]
    requirements, _ = as_requirements(map(visible, texts))
    return {"other_requirements": requirements, "criteria_complete": False}


def _keep_the_rest(
    award: dict[str, object], opportunity: Mapping[str, Any], fields: Mapping[str, Any]
) -> None:
    """Put what has no field of its own into the description."""
    notes: list[str] = []
    own_details = "scholarshipDetails" in fields
    if not own_details and (details := (opportunity.get("funding") or {}).get("details")):
        notes.append(f"Funding: {details}")
    if not own_details:
        others = (opportunity.get("keyDates") or {}).get("otherDates") or {}
        notes += [_event_in_words(event) for event in others.values()]
    for name, value in fields.items():
        if name not in _OWN_FIELDS:
            notes.append(f"{name}: {value}")
    if notes:
        text = "\n".join([str(award["description"]), *map(visible, notes)]).strip()
        award["description"] = text[:_MAX_DESCRIPTION]


_MAX_DESCRIPTION: Final = 20_000


def _event_in_words(event: Mapping[str, Any]) -> str:
    days = [str(event[name]) for name in ("date", "startDate", "endDate") if event.get(name)]
    details = event.get("details") or event.get("description") or ""
    return f"{event.get('name')}: {' to '.join(days)} {details}".strip()
