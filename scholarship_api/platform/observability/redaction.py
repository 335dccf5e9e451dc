"""Removes secrets and control characters from log lines.

The process's own secrets are replaced wherever they occur, and so is whatever looks like a
credential.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

REDACTED: Final = "[redacted]"

_MAX_TEXT_LENGTH: Final = 16_384
"""Most characters of one value; a longer one is cut."""
_MAX_DEPTH: Final = 6
"""Nested values below this depth are written as text."""
_MIN_SECRET_LENGTH: Final = 6
"""A shorter secret is not searched for: it would be cut out of ordinary words."""

_SENSITIVE: Final = (
    r"authorization|cookie|passw(?:or)?d|passwd|pwd|secret|token|credential"
    r"|(?:api|private)[_-]?key"
)
_SENSITIVE_KEY: Final = re.compile(_SENSITIVE, re.IGNORECASE)
# Repetitions that another match could start inside are bounded, so that a hostile text of the
# greatest length takes milliseconds.
_PATTERNS: Final = (
    # Scheme://user:password@host, also with an empty user, as Redis URLs have it.
    (
        re.compile(
            r"(?P<keep>\b[a-z][a-z0-9+.-]{0,20}://[^\s:/?#@\"']*):[^\s/\"']*@", re.IGNORECASE
        ),
        ":",
    ),
    (re.compile(r"(?P<keep>authorization[\"']?\s*[=:]\s*)[^\r\n\"']+", re.IGNORECASE), ""),
    (re.compile(r"(?P<keep>\b(?:bearer|basic))\s+[\w.~+/=-]{8,}", re.IGNORECASE), " "),
    (re.compile(r"(?P<keep>)\beyJ[\w-]{4,2000}\.[\w-]{4,4000}\.[\w-]*"), ""),
    (re.compile(r"(?P<keep>\bsch_(?:live|pub|feed)_)[\w-]+"), ""),
    (re.compile(r"(?P<keep>)\$argon2[a-z]{0,2}\$[^\s\"']+"), ""),
    # Password=value, "password": "value"; quoted values may hold anything.
    (
        re.compile(
            rf"(?P<keep>(?:{_SENSITIVE})[\w-]{{0,40}}[\"']?\s{{0,8}}[=:]\s{{0,8}})(?!\[redacted\])"
            r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&\"'}\])]+)",
            re.IGNORECASE,
        ),
        "",
    ),
)
_AT_PASSWORD: Final = _PATTERNS[0][0]
# Any hit of a pattern contains one of these, in lower case; looking for them first is much cheaper.
_HINTS: Final = (
    *("://", "bearer", "basic", "eyj", "$argon2", "authorization", "cookie", "passw", "pwd"),
    *("secret", "token", "api_key", "api-key", "apikey", "private_key"),
    *("private-key", "privatekey", "credential", "sch_live_", "sch_pub_", "sch_feed_"),
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_NEWLINE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Redactor:
    """`secrets` may not occur in any line; the passwords of URLs among them are secrets as well."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted(_forms(secrets), key=len, reverse=True))
        self._hints = (
            *_HINTS,
            # A secret that contains another one is found by the other.
            *(
                json.dumps(secret)[1:-1].lower()
                for secret in self._secrets
                if not any(other in secret for other in self._secrets if other != secret)
            ),
        )

    def may_change(self, line: str) -> bool:
        """Whether `mapping` may have to change a line of JSON; false positives occur."""
        if len(line) > _MAX_TEXT_LENGTH:
            return True
        lowered = line.lower()
        for hint in self._hints:  # noqa: SIM110 - half the time of any() with a generator
            if hint in lowered:
                return True
        return False

    def text(self, text: str) -> str:
        if len(text) > _MAX_TEXT_LENGTH:
            text = f"{text[:_MAX_TEXT_LENGTH]}... ({len(text)} characters)"
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        lowered = text.lower()
        if any(hint in lowered for hint in _HINTS):
            for pattern, separator in _PATTERNS:
                end = "@" if pattern is _AT_PASSWORD else ""
                text = pattern.sub(rf"\g<keep>{separator}{REDACTED}{end}", text)
        return text

    def value(self, value: object, *, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
        """`value` as JSON can hold it, without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth < _MAX_DEPTH:
            if isinstance(value, Mapping):
                return self.mapping(value, depth=depth + 1)
            if isinstance(value, list | tuple | set | frozenset):
                return [self.value(item, depth=depth + 1) for item in value]
        return self.text(str(value))

    def mapping(self, mapping: Mapping[Any, object], *, depth: int = 0) -> dict[str, Any]:
        return {
            str(key): REDACTED
            if value and _SENSITIVE_KEY.search(str(key))
            else self.value(value, depth=depth)
            for key, value in mapping.items()
        }


def escape_control_characters(text: str, *, keep_newlines: bool = False) -> str:
    """For terminals: characters that could forge a line or move the cursor become visible."""
    pattern = _CONTROL_BUT_NEWLINE if keep_newlines else _CONTROL
    return pattern.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _forms(secrets: Iterable[str]) -> set[str]:
    forms: set[str] = set()
    for secret in secrets:
        forms.add(secret)
        if "://" in secret:
            password = urlsplit(secret).password or ""
            forms |= {password, unquote(password)}
    return {form for form in forms if len(form) >= _MIN_SECRET_LENGTH}
