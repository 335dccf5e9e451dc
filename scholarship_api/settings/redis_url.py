"""The one reading of a Redis URL: what may be left out is filled in, and what is wrong is named.

redis://[[user]:password@][host][:port][/number][?keyword=value&...], and rediss:// for TLS, as
redis-py reads it. valkey:// and valkeys:// are the same protocol. A socket in the file system is

    unix://[[user]:password@]/path/of/the/socket[?db=number]

Two forms name several hosts:

    redis+sentinel://[[user]:password@]sentinel1:26379,sentinel2:26379/service[/number]
    redis+cluster://[[user]:password@]node1:6379,node2:6379

The user and the password are those of the servers; the Sentinels have the parameters
sentinel_username and sentinel_password.

No message here repeats a part of the URL: with a wrong character in it, any part may be a piece of
the password.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, unquote

Address = tuple[str, int]
"""Host and port, or the path of a socket and 0."""

Kind = Literal["server", "socket", "sentinel", "cluster"]

_SCHEME: Final = re.compile(r"(redis|valkey)(s?)(?:\+(sentinel|cluster))?")
_DEFAULT_HOST: Final = "localhost"
_DEFAULT_PORTS: Final = {"server": 6379, "sentinel": 26379, "cluster": 6379}
_LARGEST_PORT: Final = 65_535
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(?::(?P<port>[0-9]*))?")
_HINT: Final = "percent-encode special characters of the password"

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_SWITCH: Final = re.compile(r"true|false|yes|no|1|0", re.IGNORECASE)
_TRUE: Final = re.compile(r"true|yes|1", re.IGNORECASE)
_TEXT: Final = re.compile(r"[^\x00-\x1f]+")
_PARAMETERS: Final = {
    "client_name": _TEXT,
    "db": _NUMBER,
    # The service sets these itself; other programs with the same URL may need them.
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
_SENTINEL_PARAMETERS: Final = {"sentinel_password": _TEXT, "sentinel_username": _TEXT}


@dataclass(frozen=True, slots=True)
class RedisUrl:
    kind: Kind
    tls: bool
    username: str
    """Empty for none, like the password."""
    password: str
    addresses: tuple[Address, ...]
    """The addresses of the servers, or of the Sentinels; there is at least one."""
    service: str
    """The name by which the Sentinels know the servers; empty without Sentinels."""
    database: int
    query: str

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def tls_options(self) -> dict[str, str | bool]:
        """The arguments of redis-py's connections that the parameters give."""
        return {
            name: bool(_TRUE.fullmatch(value)) if _TLS_PARAMETERS[name] is _SWITCH else value
            for name, value in self.parameters.items()
            if name in _TLS_PARAMETERS
        }

    @property
    def text(self) -> str:
        """The URL in full."""
        password = f":{quote(self.password, safe='')}" if self.password else ""
        credentials = f"{quote(self.username, safe='')}{password}"
        if self.kind == "socket":
            at = f"{credentials}@" if credentials else ""
            query = f"?{self.query}" if self.query else ""
            return f"unix://{at}{quote(self.addresses[0][0])}{query}"
        scheme = ("rediss" if self.tls else "redis") + (
            "" if self.kind == "server" else f"+{self.kind}"
        )
        hosts = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.addresses
        )
        service = f"/{quote(self.service, safe='')}" if self.service else ""
        return "".join(
            (
                f"{scheme}://",
                f"{credentials}@" if credentials else "",
                f"{hosts}{service}/{self.database}",
                f"?{self.query}" if self.query else "",
            )
        )


def read_redis_url(url: str) -> RedisUrl:
    """Raises ValueError with what is wrong about the URL."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme.lower() == "unix":
        return _read_socket_url(rest)
    found = _SCHEME.fullmatch(scheme.lower())
    if not separator or not rest or found is None:
        raise ValueError(
            "not a Redis URL: it must start with redis://, rediss:// or valkey://, with"
            " redis+sentinel:// or redis+cluster://, or with unix://"
        )
    kind: Kind = "sentinel" if found[3] == "sentinel" else "cluster" if found[3] else "server"
    location, _, query = rest.partition("?")
    authority, _, path = location.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    service, number = "", path
    if kind == "sentinel":
        service, _, number = path.partition("/")
        if not service:
            raise ValueError(
                "it names no service, as in redis+sentinel://sentinel1:26379,sentinel2:26379/service"
            )
    number = number.rstrip("/")
    if number and not _NUMBER.fullmatch(number):
        raise ValueError(f"the database is not a number; {_HINT}")
    addresses = _addresses(hosts, kind)
    _check_query(query, kind=kind, has_tls=bool(found[2]))
    database = int(dict(parse_qsl(query)).get("db") or number or 0)
    if kind == "cluster" and database:
        raise ValueError("a Cluster has no other database than 0")
    return RedisUrl(
        kind=kind,
        tls=bool(found[2]),
        username=unquote(user),
        password=unquote(password),
        addresses=addresses,
        service=unquote(service),
        database=database,
        query=query,
    )


def _read_socket_url(rest: str) -> RedisUrl:
    """The part after unix://. Raises ValueError with what is wrong about it."""
    location, _, query = rest.partition("?")
    credentials, _, path = location.rpartition("@")
    user, _, password = credentials.partition(":")
    path = unquote(path)
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise ValueError(
            f"it has no absolute path of a socket, as in unix:///run/redis.sock; {_HINT}"
        )
    _check_query(query, kind="socket", has_tls=False)
    return RedisUrl(
        kind="socket",
        tls=False,
        username=unquote(user),
        password=unquote(password),
        addresses=((path, 0),),
        service="",
        database=int(dict(parse_qsl(query)).get("db") or 0),
        query=query,
    )


def _addresses(hosts: str, kind: Kind) -> tuple[Address, ...]:
    entries = hosts.split(",")
    if kind == "server" and len(entries) > 1:
        raise ValueError(
            "it names several hosts, and only one can be used; redis+sentinel:// and"
            " redis+cluster:// take several"
        )
    return tuple(_address(entry, _DEFAULT_PORTS[kind]) for entry in entries)


def _address(entry: str, default_port: int) -> Address:
    found = _ADDRESS.fullmatch(entry)
    if found is None:
        raise ValueError(f"the server is not of the form host:port or [address]:port; {_HINT}")
    port = int(found["port"][:9]) if found["port"] else default_port
    if not 1 <= port <= _LARGEST_PORT:
        raise ValueError(f"the port is not a number from 1 to {_LARGEST_PORT}")
    return found["host"].strip("[]") or _DEFAULT_HOST, port


def _check_query(query: str, *, kind: Kind, has_tls: bool) -> None:
    known = _PARAMETERS | _TLS_PARAMETERS | (_SENTINEL_PARAMETERS if kind == "sentinel" else {})
    for keyword, value in parse_qsl(query, keep_blank_values=True):
        if keyword in _TLS_PARAMETERS and not has_tls:
            raise ValueError("a parameter is about TLS, which starts with rediss://")
        pattern = known.get(keyword)
        if pattern is None:
            raise ValueError(f"a parameter has a keyword that is not known; {_HINT}")
        if not pattern.fullmatch(value):
            raise ValueError(f"the parameter {keyword} has a value that cannot be used")
