"""Types of settings: how a string of the environment becomes a value.

No message here repeats the value: a setting that is wrong may still be a secret.
"""

import contextlib
import ipaddress
import json
import re
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

import limits
from annotated_types import MinLen
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from scholarship_api.settings.database_url import read_database_url
from scholarship_api.settings.redis_url import read_redis_url
from scholarship_api.settings.sources import refuse_unreadable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Segments of a path without empty ones and without dots alone, which a client would resolve.
_ROOT_PATH_PATTERN: Final = re.compile(
    r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+){1,16}"
)
_BETWEEN_URLS: Final = re.compile(r"\s*,\s*(?=postgres(?:ql)?(?:\+psycopg)?://)|\s+")
_HOST_PATTERN: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]|\*")

_SENDER_PATTERN: Final = re.compile(
    r"(?:[^<>@,;:\\\"\x00-\x1f]+ <[^<>@\s]+@[A-Za-z0-9.-]+>|[^<>@\s,;]+@[A-Za-z0-9.-]+)"
)


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part for part in (raw.strip() for raw in value.split(",")) if part]
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _environment(value: object) -> object:
    lowered = _lower(refuse_unreadable(value))
    return "development" if lowered == "local" else lowered


def _url(text: str, *, otherwise: str) -> SplitResult:
    """The parts of an absolute URL. Raises `ValueError(otherwise)` for anything else."""
    if text.isascii() and not any(character.isspace() for character in text):
        with contextlib.suppress(ValueError):
            url = urlsplit(text)
            if url.scheme and url.hostname and url.port != 0:
                return url
    raise ValueError(otherwise)


def _origin(text: str) -> str:
    if text == "*":
        return text
    url = _url(text, otherwise="an entry is not an origin such as https://app.example.org")
    if url.scheme not in _DEFAULT_PORTS:
        raise ValueError("an origin starts with https:// or http://")
    if url.path or url.query or url.fragment or "@" in url.netloc or "*" in url.netloc:
        raise ValueError("an origin is scheme, host and port only, without a slash at the end")
    # Browsers send the host in lower case and leave the scheme's own port out.
    return f"{url.scheme}://{url.netloc.lower()}".removesuffix(f":{_DEFAULT_PORTS[url.scheme]}")


def _origins(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_origin(text) for text in texts)


def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.lower() for text in texts)


def _hosts(texts: tuple[str, ...]) -> tuple[str, ...]:
    hosts = tuple(text.lower() for text in texts)
    if not all(_HOST_PATTERN.fullmatch(host) for host in hosts):
        raise ValueError(
            "an entry is not a host name such as api.example.org or *.example.org, without scheme"
            " and port"
        )
    return hosts


def _network(entry: object) -> object:
    if not isinstance(entry, str):
        return entry
    if entry == "*":
        raise ValueError("`*` would let every client choose its address; name each proxy")
    try:
        network = ipaddress.ip_network(entry)
    except ValueError:
        network = None
    if network is None:
        raise ValueError(
            "an entry is neither an IP address nor a network such as 10.0.0.0/8, without host bits"
        )
    if network.prefixlen == 0:
        raise ValueError("a network of prefix 0 would let every client choose its address")
    return network


def _networks(value: object) -> object:
    entries = _split(value)
    return [_network(entry) for entry in entries] if isinstance(entries, list | tuple) else entries


def _web_url(text: str) -> str:
    if text:
        otherwise = "not a URL that starts with https:// or http://"
        if _url(text, otherwise=otherwise).scheme not in _DEFAULT_PORTS:
            raise ValueError(otherwise)
    return text


def _web_urls(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_web_url(text) for text in texts)


def _base_url(text: str) -> str:
    url = urlsplit(_web_url(text))
    if url.query or url.fragment or "@" in url.netloc:
        raise ValueError("a base URL is scheme, host, port and path only")
    return text.rstrip("/")


def read_root_path(text: str) -> str:
    """A path without a slash at its end; empty for the root. Raises ValueError."""
    prefix = text.strip().rstrip("/")
    if prefix and not _ROOT_PATH_PATTERN.fullmatch(prefix):
        raise ValueError("not a path such as /scholarships-api")
    return prefix


def _bind_hosts(texts: tuple[str, ...]) -> tuple[str, ...]:
    hosts = tuple(text.removeprefix("[").removesuffix("]") for text in texts)
    for host in hosts:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            reason = "an entry is not an IP address, such as 0.0.0.0, :: or 127.0.0.1"
            raise ValueError(reason) from None
    if "::" in hosts and len(hosts) > 1:
        raise ValueError(":: includes all other addresses; leave them out")
    return hosts


def _rate_limit(text: str) -> str:
    try:
        rate = limits.parse(text)
        is_usable = 1 <= rate.amount <= MAX_AMOUNT and rate.get_expiry() <= MAX_PERIOD_SECONDS
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("not a rate such as 30/minute")
    return text


MAX_AMOUNT: Final = 1_000_000_000
"""The highest number of a setting that counts something. PostgreSQL, Redis and the operating system
refuse much higher ones in other ways, each in its own and some of them late."""

MAX_CONNECTIONS: Final = 1_000
"""Connections of one worker to PostgreSQL, which serves some hundreds in all."""

MAX_WORKERS: Final = 1_000
"""Worker processes of one server; a machine has a few for each of its cores."""

MAX_SECONDS: Final = 86_400
"""The longest time that a setting can give to a server process: a day."""

MAX_PERIOD_SECONDS: Final = 366 * 86_400
"""The longest period of a rate: a year."""

RATE_LIMIT_GROUPS: Final = (
    "ceiling",
    "search",
    "eligibility",
    "scholarships",
    "analytics",
    "events",
    "students",
)
"""The groups whose rate a tier can set; `ceiling` is the limit over all routes."""

_TIER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def _tiers(value: object) -> object:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise ValueError('not JSON such as {"partner": {"search": "300/minute"}}')
    for name, rates in value.items():
        if not isinstance(name, str) or not _TIER_NAME.fullmatch(name):
            raise ValueError("the name of a tier has small letters, digits, _ and -, 32 at most")
        if not isinstance(rates, dict) or not set(rates) <= set(RATE_LIMIT_GROUPS):
            raise ValueError(f"a tier sets rates of: {', '.join(RATE_LIMIT_GROUPS)}")
        for rate in rates.values():
            _rate_limit(rate if isinstance(rate, str) else "")
    return value


def _postgres_url(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not text:
        return SecretStr("")
    read_database_url(text)  # refuses it with a reason
    return SecretStr(f"postgresql+psycopg://{text.partition('://')[2]}")


def _split_urls(value: object) -> object:
    """URLs stand apart by spaces, or by commas: one URL may have commas between its hosts."""
    if isinstance(value, str):
        return [part for part in _BETWEEN_URLS.split(value.strip()) if part]
    return value


def _read_urls(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for secret in secrets:
        read_database_url(secret.get_secret_value(), for_writes=False)  # refuses it with a reason
    return secrets


def _redis_url(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    return SecretStr(read_redis_url(text).text if text else "")


def _sentry_dsn(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if text:
        otherwise = "not a Sentry DSN, which looks like https://KEY@HOST/PROJECT"
        url = _url(text, otherwise=otherwise)
        if url.scheme not in _DEFAULT_PORTS or not url.username or not url.path.strip("/"):
            raise ValueError(otherwise)
    return SecretStr(text)


def _smtp_url(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text:
        otherwise = "not a mail server's URL, which looks like smtp://user:password@host:587"
        url = _url(text, otherwise=otherwise)
        if url.scheme not in {"smtp", "smtps", "smtp+insecure"} or url.path.strip("/") or url.query:
            raise ValueError(otherwise)
    return secret


def _sender(text: str) -> str:
    if text and not _SENDER_PATTERN.fullmatch(text):
        raise ValueError("not a sender such as Scholarships <noreply@example.org>")
    return text


_READABLE: Final = BeforeValidator(refuse_unreadable)

Environment = Annotated[
    Literal["development", "test", "staging", "production"], BeforeValidator(_environment)
]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)
]
LogFormat = Annotated[Literal["json", "console"], BeforeValidator(_lower)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
PositiveAmount = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
Delay = Annotated[int, Field(ge=0, le=MAX_SECONDS)]
RateLimit = Annotated[str, AfterValidator(_rate_limit)]
RateLimitTiers = Annotated[dict[str, dict[str, str]], NoDecode, BeforeValidator(_tiers)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_origins)]
Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_hosts)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
RootPath = Annotated[str, AfterValidator(read_root_path)]
BindHosts = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_split),
    MinLen(1),
    AfterValidator(_bind_hosts),
]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_names)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
WebUrls = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_web_urls)]
Secret = Annotated[SecretStr, _READABLE]
# Validators that run before run right to left: the file first, then the commas.
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split), _READABLE]
PostgresUrl = Annotated[SecretStr, _READABLE, AfterValidator(_postgres_url)]
ReadUrls = Annotated[
    tuple[SecretStr, ...],
    NoDecode,
    BeforeValidator(_split_urls),
    _READABLE,
    AfterValidator(_read_urls),
]
RedisUrl = Annotated[SecretStr, _READABLE, AfterValidator(_redis_url)]
SmtpUrl = Annotated[SecretStr, _READABLE, AfterValidator(_smtp_url)]
Sender = Annotated[str, AfterValidator(_sender)]
SentryDsn = Annotated[SecretStr, _READABLE, AfterValidator(_sentry_dsn)]
