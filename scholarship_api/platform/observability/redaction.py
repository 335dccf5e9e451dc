"""Takes secrets and control characters out of what is about to be logged.

Two nets: the process's own secrets are replaced wherever they occur, and whatever looks like a
credential is replaced although nobody has told us of it.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

REDACTED: Final = "[redacted]"

_LONGEST_TEXT: Final = 16_384
"""Characters of one value; a log line is no place for a body."""
_DEEPEST: Final = 6
_SHORTEST_SECRET: Final = 6
"""A shorter one would also be cut out of innocent words."""

_SENSITIVE: Final = (
    r"authorization|cookie|passw(?:or)?d|passwd|pwd|secret|token|api_?key|private_?key|credential"
)
_SENSITIVE_KEY: Final = re.compile(_SENSITIVE, re.IGNORECASE)
# All repetitions at whose start another match may start are bounded: a hostile text of the longest
# length must not take longer than milliseconds.
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
    *("secret", "token", "api_key", "apikey", "private_key", "privatekey", "credential"),
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_NEWLINE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Redactor:
    """`secrets` are texts that no line may hold; URLs among them also stand for their password."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(sorted(_forms(secrets), key=len, reverse=True))
        self._hints = (
            *_HINTS,
            # A text that holds one of these holds those that it is a part of.
            *(
                json.dumps(secret)[1:-1].lower()
                for secret in self._secrets
                if not any(other in secret for other in self._secrets if other != secret)
            ),
        )

    def may_change(self, line: str) -> bool:
        """Whether `mapping` may have to change a line of JSON; false positives occur."""
        if len(line) > _LONGEST_TEXT:
            return True
        lowered = line.lower()
        for hint in self._hints:  # noqa: SIM110 - half the time of any() with a generator
            if hint in lowered:
                return True
        return False

    def text(self, text: str) -> str:
        if len(text) > _LONGEST_TEXT:
            text = f"{text[:_LONGEST_TEXT]}... ({len(text)} characters)"
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
        if depth < _DEEPEST:
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
    """For terminals: what could forge a line or move the cursor becomes visible."""
    pattern = _CONTROL_BUT_NEWLINE if keep_newlines else _CONTROL
    return pattern.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _forms(secrets: Iterable[str]) -> set[str]:
    forms: set[str] = set()
    for secret in secrets:
        forms.add(secret)
        if "://" in secret:
            password = urlsplit(secret).password or ""
            forms |= {password, unquote(password)}
    return {form for form in forms if len(form) >= _SHORTEST_SECRET}
