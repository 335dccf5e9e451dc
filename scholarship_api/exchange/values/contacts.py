"""Addresses of websites and e-mail as people write them."""

import re
from typing import Final

from scholarship_api.exchange.values.reading import Reading, UnreadableValueError
from scholarship_api.exchange.values.words import Normaliser

_EMAIL: Final = re.compile(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"\x00-\x1f\x7f]+|(?<![@\w.-])[a-z0-9-]+(?:\.[a-z0-9-]+)*\."
    r"(?:com|org|edu|gov|net|us|info|foundation|fund|example|io|co|uk|ca|de|int|mil)\b(?:/[^\s<>\"]*)?",
    re.IGNORECASE,
)
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_AROUND: Final = re.compile(
    (
        r"[\s<>()\[\]\"',;:.|/&-]|\b(?:e-?mail|mailto|web ?site|url|link|at|and|or|see"
        r"|apply|visit|online|to)\b"
    ),
    re.IGNORECASE,
)


def web_address(field: str) -> Normaliser:
    """The first address of a text; `www.` and a bare host are completed."""

    def read(text: str) -> Reading:
        found = _ADDRESS.search(text.strip())
        if not found:
            raise UnreadableValueError("has no web address")
        address = found[0].rstrip(".,;:!?'\"")
        if address.endswith(")") and "(" not in address:
            address = address.rstrip(").,;")
        scheme = _SCHEME.match(address)
        note = ""
        if scheme:
            complete = scheme[0].lower() + address[scheme.end() :]
        else:
            complete = f"https://{address}"
            note = "https:// is put in front"
        rest = text.replace(found[0], " ", 1)
        return Reading(
            {field: complete}, words=text.strip() if _AROUND.sub("", rest) else "", note=note
        )

    return read


def email(text: str) -> Reading:
    """The first e-mail address of a text, as in `Jane Roe <jane@example.org>`."""
    found = _EMAIL.search(text)
    if not found:
        raise UnreadableValueError("has no e-mail address")
    rest = text.replace(found[0], " ", 1)
    return Reading({"contact_email": found[0]}, words=text.strip() if _AROUND.sub("", rest) else "")


def contact(text: str) -> Reading:
    """An e-mail address or a web address with whatever stands beside it, or just words."""
    try:
        return email(text)
    except UnreadableValueError:
        return Reading(words=text.strip())
