"""The one reading of a Redis URL: what may be left out is filled in, and what is wrong is named.

redis://[[user]:password@][host][:port][/number][?keyword=value&...], and rediss:// for TLS, as
redis-py reads it. valkey:// and valkeys:// are the same protocol.

No message here repeats a part of the URL: with a wrong character in it, any part may be a piece of
the password.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

_SCHEMES: Final = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss"}
_DEFAULT_HOST: Final = "localhost"
_DEFAULT_PORT: Final = 6379
_LARGEST_PORT: Final = 65_535
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(?::(?P<port>[0-9]*))?")
_HINT: Final = "percent-encode special characters of the password"

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_SWITCH: Final = re.compile(r"true|false|yes|no|1|0", re.IGNORECASE)
_TEXT: Final = re.compile(r"[^\x00-\x1f]+")
_PARAMETERS: Final = {
    "client_name": _TEXT,
    "db": _NUMBER,
    "health_check_interval": _NUMBER,
    "max_connections": _NUMBER,
    "protocol": re.compile("2|3"),
    "retry_on_timeout": _SWITCH,
    "socket_connect_timeout": _SECONDS,
    "socket_keepalive": _SWITCH,
    "socket_timeout": _SECONDS,
}
_TLS_PARAMETERS: Final = {
    "ssl_ca_certs": _TEXT,
    "ssl_ca_path": _TEXT,
    "ssl_cert_reqs": re.compile("none|optional|required"),
    "ssl_certfile": _TEXT,
    "ssl_check_hostname": _SWITCH,
    "ssl_keyfile": _TEXT,
    "ssl_password": _TEXT,
}


def read_redis_url(url: str) -> str:
    """The URL in full, with the scheme redis or rediss. Raises ValueError with what is wrong."""
    scheme, separator, rest = url.partition("://")
    scheme = _SCHEMES.get(scheme.lower(), "")
    if not separator or not rest or not scheme:
        raise ValueError("not a Redis URL: it must start with redis://, rediss:// or valkey://")
    location, _, query = rest.partition("?")
    authority, _, number = location.partition("/")
    credentials, at, address = authority.rpartition("@")
    database = number.rstrip("/")
    if database and not _NUMBER.fullmatch(database):
        raise ValueError(f"the database is not a number; {_HINT}")
    return "".join(
        (
            f"{scheme}://",
            f"{_quoted(credentials)}@" if at else "",
            _full_address(address),
            f"/{database or 0}",
            _checked_query(query, has_tls=scheme == "rediss"),
        )
    )


def _quoted(credentials: str) -> str:
    user, colon, password = credentials.partition(":")
    return quote(unquote(user), safe="") + colon + quote(unquote(password), safe="")


def _full_address(address: str) -> str:
    if "," in address:
        raise ValueError("it names several hosts, and only one can be used")
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"the server is not of the form host:port or [address]:port; {_HINT}")
    port = int(found["port"][:9]) if found["port"] else _DEFAULT_PORT
    if not 1 <= port <= _LARGEST_PORT:
        raise ValueError(f"the port is not a number from 1 to {_LARGEST_PORT}")
    return f"{found['host'] or _DEFAULT_HOST}:{port}"


def _checked_query(query: str, *, has_tls: bool) -> str:
    if not query:
        return ""
    for keyword, value in parse_qsl(query, keep_blank_values=True):
        if keyword in _TLS_PARAMETERS and not has_tls:
            raise ValueError("a parameter is about TLS, which starts with rediss://")
        pattern = {**_PARAMETERS, **_TLS_PARAMETERS}.get(keyword)
        if pattern is None:
            raise ValueError(f"a parameter has a keyword that is not known; {_HINT}")
        if not pattern.fullmatch(value):
            raise ValueError(f"the parameter {keyword} has a value that cannot be used")
    return f"?{query}"
