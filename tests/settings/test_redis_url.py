"""Every form of a Redis URL is read as redis-py reads it, and a wrong one has a true reason."""

import re
import string
from typing import Any
from urllib.parse import quote

import pytest
from redis.asyncio.connection import parse_url

from scholarship_api.app import create_app
from scholarship_api.settings.redis_url import read_redis_url
from scholarship_api.settings.settings import DefaultSettings

PLANTED = "planted-secret"
FORMS = [
    ("redis://h", "redis://h:6379/0"),
    ("redis://h/", "redis://h:6379/0"),
    ("redis://h:/2", "redis://h:6379/2"),
    ("redis://h:7000/2", "redis://h:7000/2"),
    ("REDIS://H", "redis://H:6379/0"),
    ("valkey://h/1", "redis://h:6379/1"),
    ("rediss://h", "rediss://h:6379/0"),
    ("valkeys://h", "rediss://h:6379/0"),
    ("redis:///3", "redis://localhost:6379/3"),
    ("redis://:pw@h", "redis://:pw@h:6379/0"),
    ("redis://user:pw@h", "redis://user:pw@h:6379/0"),
    ("redis://:valkey@h", "redis://:valkey@h:6379/0"),
    ("redis://:p@ss:w%rd@h", "redis://:p%40ss%3Aw%25rd@h:6379/0"),
    ("redis://[::1]:7000/0", "redis://[::1]:7000/0"),
    ("redis://[fe80::1]", "redis://[fe80::1]:6379/0"),
    ("unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock"),
    ("UNIX:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
    ("unix://user:p@w@/run/redis.sock", "unix://user:p%40w@/run/redis.sock"),
    ("unix:///run/a%20b.sock", "unix:///run/a%20b.sock"),
    ("redis://h/0?client_name=api", "redis://h:6379/0?client_name=api"),
    ("redis://h?socket_connect_timeout=1.5", "redis://h:6379/0?socket_connect_timeout=1.5"),
    (
        "rediss://h?ssl_ca_certs=/etc/ca.crt&ssl_cert_reqs=required",
        "rediss://h:6379/0?ssl_ca_certs=/etc/ca.crt&ssl_cert_reqs=required",
    ),
]


@pytest.mark.parametrize(("url", "whole"), FORMS)
def test_each_form_is_read(url: str, whole: str) -> None:
    assert read_redis_url(url).text == whole
    assert read_redis_url(whole).text == whole


@pytest.mark.parametrize(("url", "whole"), FORMS)
def test_the_application_can_be_made_with_each_form(url: str, whole: str) -> None:
    settings = DefaultSettings.model_validate(
        {
            "environment": "test",
            "database_url": "postgresql://nobody@h/none",
            "rate_limit_backend_url": url,
        }
    )
    assert settings.rate_limit_backend_url.get_secret_value() == whole
    assert create_app(settings).state.limiter.shared is not None


@pytest.mark.parametrize("character", [*string.printable.strip(), " ", "é", "€"])
def test_any_character_can_be_in_user_and_password(character: str) -> None:
    text = f"a{character}b{character}"
    encoded = quote(text, safe="")
    parsed: dict[str, Any] = dict(
        parse_url(read_redis_url(f"redis://{encoded}:{encoded}@h:1/2").text)
    )
    expected = {"username": text, "password": text, "host": "h", "port": 1, "db": 2}
    assert expected.items() <= parsed.items()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (PLANTED, "it must start with redis://"),
        ("redis://", "it must start with redis://"),
        (f"memcached://:{PLANTED}@h", "it must start with redis://"),
        (f"redis+unix:///tmp/{PLANTED}", "it must start with redis://"),
        (f"unix://{PLANTED}", "it has no absolute path of a socket"),
        (f"unix://:{PLANTED}@", "it has no absolute path of a socket"),
        (f"unix:///run/{PLANTED}/", "it has no absolute path of a socket"),
        (f"unix:///run/redis.sock?ssl_ca_certs={PLANTED}", "a parameter is about TLS"),
        (f"redis://:{PLANTED}@h:port", "the server is not of the form host:port"),
        (f"redis://:{PLANTED}@h:1:2", "the server is not of the form host:port"),
        (f"redis://:{PLANTED}@[::1/0", "the server is not of the form host:port"),
        (f"redis://:{PLANTED}@h h/0", "the server is not of the form host:port"),
        (f"redis://:{PLANTED}@h:0", "the port is not a number from 1 to 65535"),
        (f"redis://:{PLANTED}@h:65536", "the port is not a number from 1 to 65535"),
        (f"redis://:{PLANTED}@h:{'9' * 30}", "the port is not a number from 1 to 65535"),
        (f"redis://:{PLANTED}@a:1,b:2/0", "it names several hosts"),
        (f"redis://:{PLANTED}@h/{PLANTED}", "the database is not a number"),
        (f"redis://:{PLANTED}/x@h/0", "the database is not a number"),
        (f"redis://:{PLANTED}@h/0#1", "the database is not a number"),
        (f"redis://h/0?{PLANTED}=1", "a keyword that is not known"),
        (f"redis://:{PLANTED}?x@h/0", "the server is not of the form host:port"),
        (f"redis://h/0?db={PLANTED}", "the parameter db has a value"),
        (f"redis://h/0?socket_timeout={PLANTED}", "the parameter socket_timeout has a value"),
        (f"redis://h/0?ssl_ca_certs={PLANTED}", "a parameter is about TLS"),
    ],
)
def test_an_unusable_url_is_refused_with_the_reason_and_no_part_of_it(
    url: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refusal:
        read_redis_url(url)
    assert PLANTED not in str(refusal.value)
