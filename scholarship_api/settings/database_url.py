"""The one reading of a PostgreSQL URL: from its text to libpq's parameters.

The pool, the probes, Alembic, import and export, and the start all connect with these parameters,
so that no URL works for one of them and fails for another. Accepted are libpq's own forms
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS) and SQLAlchemy's
form for several hosts, `?host=h1:p1&host=h2:p2`.

No message here repeats a part of the URL: with a wrong character in it, any part may be a piece of
the password.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from psycopg import pq

Parameters = dict[str, str]
"""libpq's keywords and their values."""

SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})

_KEYWORDS: Final = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
_CHOICES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
}
_FOR_WRITES: Final = ("any", "read-write", "primary")
_WRONG_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(?::(?P<port>[^:]*))?")
_LARGEST_PORT: Final = 65_535
_HINT: Final = "percent-encode special characters of the password"


def read_database_url(url: str, *, for_writes: bool = True) -> Parameters:
    """libpq's parameters for a URL. Raises ValueError with what is wrong about it.

    `for_writes` refuses a URL that asks for a server which accepts no writes.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise ValueError(
            "not a PostgreSQL URL: it must start with postgresql://, as in"
            " postgresql://user:password@host/database"
        )
    if _WRONG_PERCENT.search(rest):
        raise ValueError(f"a % is not followed by two hexadecimal digits; {_HINT}")
    location, _, query = rest.partition("?")
    authority, slash, database = location.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    user, colon, password = credentials.partition(":")
    parameters = {
        **({"user": _decoded(user)} if user else {}),
        **({"password": _decoded(password)} if colon and at else {}),
        **({"dbname": _decoded(database)} if slash and database else {}),
        **_host_parameters(hosts.split(",") if hosts else []),
        **_query_parameters(query),
    }
    _check(parameters)
    if for_writes and parameters.get("target_session_attrs", "any") not in _FOR_WRITES:
        raise ValueError(f"target_session_attrs must be one of {', '.join(_FOR_WRITES)}")
    return parameters


def _decoded(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise ValueError("a percent-encoded part is not UTF-8") from None
    if "\x00" in decoded:
        raise ValueError("it has a NUL character (%00)")
    return decoded


def _query_parameters(query: str) -> Parameters:
    values: dict[str, list[str]] = {}
    for part in query.split("&") if query else ():
        keyword, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"a parameter is not of the form keyword=value; {_HINT}")
        values.setdefault(_decoded(keyword), []).append(_decoded(value))
    if values.pop("ssl", None) == ["true"]:  # as in JDBC's URLs; libpq takes it as well
        values.setdefault("sslmode", ["require"])
    if not values.keys() <= _KEYWORDS:
        raise ValueError(f"a parameter has a keyword that libpq does not know; {_HINT}")
    hosts = [host for value in values.pop("host", []) for host in value.split(",")]
    parameters = {keyword: found[-1] for keyword, found in values.items()}
    return {**_host_parameters(hosts, encoded=False), **parameters}


def _host_parameters(entries: list[str], *, encoded: bool = True) -> Parameters:
    """`host` and `port` of entries such as `h1:p1`, `[::1]:5432` and `/folder/of/socket`."""
    if not entries:
        return {}
    pairs = list(_hosts_and_ports(entries, encoded=encoded))
    ports = [port for _, port in pairs]
    return {
        "host": ",".join(host for host, _ in pairs),
        **({"port": ",".join(ports)} if any(ports) else {}),
    }


def _hosts_and_ports(entries: list[str], *, encoded: bool) -> Iterator[tuple[str, str]]:
    for entry in entries:
        is_address = entry.count(":") > 1 and "[" not in entry
        if not encoded and (entry.startswith("/") or is_address):
            yield entry, ""  # the folder of a socket, or an IPv6 address
            continue
        found = _HOST_AND_PORT.fullmatch(entry)
        if found is None:
            raise ValueError(f"a host is not of the form host:port or [address]:port; {_HINT}")
        host = found["host"].removeprefix("[").removesuffix("]")
        yield (_decoded(host) if encoded else host), found["port"] or ""


def _check(parameters: Parameters) -> None:
    for keyword, choices in _CHOICES.items():
        if keyword in parameters and parameters[keyword] not in choices:
            raise ValueError(f"{keyword} must be one of {', '.join(choices)}")
    hosts = parameters.get("host", "").split(",")
    addresses = parameters.get("hostaddr", parameters.get("host", "")).split(",")
    ports = parameters.get("port", "").split(",")
    if not all(not port or 1 <= _number(port) <= _LARGEST_PORT for port in ports):
        raise ValueError(f"a port is not a number from 1 to {_LARGEST_PORT}; {_HINT}")
    if "host" in parameters and len(addresses) != len(hosts):
        raise ValueError("it has another number of hosts in hostaddr than in host")
    if len(ports) not in {1, len(addresses)}:
        raise ValueError("it has another number of ports than of hosts")
    if _number(parameters.get("connect_timeout", "0")) < 0:
        raise ValueError("connect_timeout is not a number of seconds")


def _number(text: str) -> int:
    """The number that up to nine decimal digits say, else -1."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
