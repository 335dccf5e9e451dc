"""The mails as text and HTML, from the templates beside this module."""

import datetime as dt
import email.utils
from collections.abc import Iterable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any, Final

import jinja2

from scholarship_api.alerts.service import MATCHED, REMINDER
from scholarship_api.catalogue.field_types import zone_of

MAX_RESULTS: Final = 20
"""New results of a saved search that a mail names. It counts the others."""

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("scholarship_api.mail"),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


def confirmation(*, confirm: str) -> EmailMessage:
    """The mail that asks whether an address is right; `confirm` is a link."""
    return _message("confirmation", "Confirm your address", {"confirm": confirm})


def digest(
    alerts: Sequence[tuple[str, Mapping[str, Any]]], *, unsubscribe: str, now: dt.datetime
) -> EmailMessage | None:
    """The mail about some alerts (event and data); None when all of them have passed."""
    news = _news([data for event, data in alerts if event == MATCHED])
    reminders: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for event, data in sorted(alerts, key=lambda alert: _deadline(alert[1]) or now):
        deadline = _deadline(data)
        if event == MATCHED:
            continue
        if deadline is not None and deadline <= now:
            continue
        item = _item(data, deadline, now)
        (reminders if event == REMINDER else moved).append(item)
    if not reminders and not moved and not news:
        return None
    deadlines = len(reminders) + len(moved)
    results = sum(len(search["items"]) + search["more"] for search in news)
    found = "1 new scholarship" if results == 1 else f"{results} new scholarships"
    if not deadlines:
        subject = found
    elif len(reminders) == 1 and not moved:
        subject = f"{reminders[0]['name']}: {reminders[0]['left']}"
    else:
        subject = f"{deadlines} scholarship deadlines"
    if deadlines and results:
        subject += f", {found}"
    message = _message(
        "digest",
        subject,
        {"reminders": reminders, "moved": moved, "news": news, "unsubscribe": unsubscribe},
    )
    message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def _news(matches: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The new results by saved search, the first MAX_RESULTS of each."""
    searches: dict[str, dict[str, Any]] = {}
    for data in matches:
        search = searches.setdefault(
            data["saved_search_id"], {"name": data["search_name"], "items": [], "more": 0}
        )
        if len(search["items"]) < MAX_RESULTS:
            search["items"].append({"name": data["name"], "organization": data["organization"]})
        else:
            search["more"] += 1
    return list(searches.values())


def _message(template: str, subject: str, values: Mapping[str, Any]) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["Date"] = email.utils.localtime()
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEMPLATES.get_template(f"{template}.txt").render(values))
    html = _TEMPLATES.get_template(f"{template}.html").render(values)
    message.add_alternative(html, subtype="html")
    return message


def _deadline(data: Mapping[str, Any]) -> dt.datetime | None:
    text = data.get("application_deadline") or data.get("to")
    return None if text is None else dt.datetime.fromisoformat(text)


def _item(
    data: Mapping[str, Any], deadline: dt.datetime | None, now: dt.datetime
) -> dict[str, Any]:
    zone_name = data.get("deadline_timezone") or "UTC"
    former = data.get("from")
    return {
        "name": data["name"],
        "organization": data["organization"],
        "estimated": bool(data.get("deadline_estimated")),
        "when": _written(deadline, zone_name),
        "former": _written(dt.datetime.fromisoformat(former) if former else None, zone_name),
        "left": "" if deadline is None else _days_left(deadline, now, zone_name),
    }


def _written(instant: dt.datetime | None, zone_name: str) -> str:
    if instant is None:
        return "no fixed deadline"
    local = instant.astimezone(zone_of(zone_name))
    return f"{local:%A}, {local.day} {local:%B %Y, %H:%M} ({zone_name})"


def _days_left(deadline: dt.datetime, now: dt.datetime, zone_name: str) -> str:
    zone = zone_of(zone_name)
    days = (deadline.astimezone(zone).date() - now.astimezone(zone).date()).days
    return {0: "today", 1: "1 day left"}.get(days, f"{days} days left")
