"""Every form of a PostgreSQL URL becomes the same parameters, and a wrong one has a true reason."""

import re
import string
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from scholarship_api.settings.database_url import read_database_url

PLANTED = "planted-secret"

TWO_HOSTS = {"user": "app", "password": "pw", "dbname": "db", "host": "h1,h2", "port": "1,2"}


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://app:pw@h1:1,h2:2/db", TWO_HOSTS),
        ("postgresql://app:pw@h1,h2/db?port=1,2", TWO_HOSTS),
        ("postgresql://app:pw@/db?host=h1,h2&port=1,2", TWO_HOSTS),
        ("postgresql://app:pw@/db?host=h1:1&host=h2:2", TWO_HOSTS),
        ("postgresql://app:pw@/db?host=h1:1,h2:2", TWO_HOSTS),
        ("postgres://app:pw@h1:1,h2:2/db", TWO_HOSTS),
        ("postgresql+psycopg://app:pw@h1:1,h2:2/db", TWO_HOSTS),
        ("postgresql://", {}),
        ("postgresql:///db", {"dbname": "db"}),
        ("postgresql://app@", {"user": "app"}),
        ("postgresql://h1,h2:2", {"host": "h1,h2", "port": ",2"}),
        (
            "postgresql://[::1]:5433,[fe80::1]/db",
            {"host": "::1,fe80::1", "port": "5433,", "dbname": "db"},
        ),
        ("postgresql:///db?host=::1", {"dbname": "db", "host": "::1"}),
        ("postgresql://%2Frun%2Fpg:5433/db", {"host": "/run/pg", "port": "5433", "dbname": "db"}),
        (
            "postgresql:///db?host=/run/pg:a&port=5433",
            {"dbname": "db", "host": "/run/pg:a", "port": "5433"},
        ),
        ("postgresql://:5433/db?host=/run/pg", {"dbname": "db", "host": "/run/pg", "port": "5433"}),
        (
            "postgresql://app:p@ss:word@h/db",
            {"user": "app", "password": "p@ss:word", "host": "h", "dbname": "db"},
        ),
        (
            "postgresql://h/db?options=-c%20search_path%3Dpublic&application_name=a+b",
            {
                "host": "h",
                "dbname": "db",
                "options": "-c search_path=public",
                "application_name": "a+b",
            },
        ),
        ("postgresql://h/db?ssl=true", {"host": "h", "dbname": "db", "sslmode": "require"}),
        (
            "postgresql://h/db?sslmode=verify-full&sslrootcert=/etc/ca.crt&target_session_attrs=read-write",
            {
                "host": "h",
                "dbname": "db",
                "sslmode": "verify-full",
                "sslrootcert": "/etc/ca.crt",
                "target_session_attrs": "read-write",
            },
        ),
    ],
)
def test_each_form_is_read(url: str, parameters: dict[str, str]) -> None:
    assert read_database_url(url) == parameters


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:p%40ss%20w@h1:1,h2:2/my%20db?sslmode=require",
        "postgresql://app@[::1]:5433/db?connect_timeout=7",
        "postgresql://%2Frun%2Fpg/db?user=app",
        "postgresql://h/db?options=-c%20a%3Db&target_session_attrs=primary",
    ],
)
def test_libpqs_own_forms_are_read_as_libpq_reads_them(url: str) -> None:
    read = read_database_url(url)
    assert {key: str(value).rstrip(",") for key, value in conninfo_to_dict(url).items()} == read


@pytest.mark.parametrize("character", [*string.printable.strip(), " ", "\t", "\n", "é", "€"])
def test_any_character_can_be_in_user_password_and_database(character: str) -> None:
    text = f"a{character}b{character}"
    encoded = quote(text, safe="")
    read = read_database_url(f"postgresql://{encoded}:{encoded}@h/{encoded}")
    assert read == {"user": text, "password": text, "host": "h", "dbname": text}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"mysql://u:{PLANTED}@h/d", "it must start with postgresql://"),
        (PLANTED, "it must start with postgresql://"),
        (f"postgresql://u:{PLANTED}%zz@h/d", "a % is not followed by two hexadecimal digits"),
        (f"postgresql://u:{PLANTED}%00@h/d", "it has a NUL character"),
        (f"postgresql://u:{PLANTED}%ff@h/d", "a percent-encoded part is not UTF-8"),
        (f"postgresql://u:{PLANTED}/x@h/d", "a port is not a number from 1 to 65535"),
        (f"postgresql://u:{PLANTED}?x@h/d", "a parameter is not of the form keyword=value"),
        (f"postgresql://u:{PLANTED}@h:port/d", "a port is not a number from 1 to 65535"),
        (f"postgresql://u:{PLANTED}@h:65536/d", "a port is not a number from 1 to 65535"),
        (f"postgresql://u:{PLANTED}@h:0/d", "a port is not a number from 1 to 65535"),
        (f"postgresql://u:{PLANTED}@h:1:2/d", "a host is not of the form host:port"),
        (f"postgresql://u:{PLANTED}@[::1/d", "a host is not of the form host:port"),
        (f"postgresql://u:{PLANTED}@h1,h2,h3/d?port=1,2", "another number of ports than of hosts"),
        (
            f"postgresql://u:{PLANTED}@h1,h2/d?hostaddr=127.0.0.1",
            "another number of hosts in hostaddr than in host",
        ),
        (f"postgresql://u@h/d?{PLANTED}", "a parameter is not of the form keyword=value"),
        (f"postgresql://u@h/d?{PLANTED}=1", "a keyword that libpq does not know"),
        (f"postgresql://u@h/d?sslmode={PLANTED}", "sslmode must be one of disable, allow"),
        (f"postgresql://u@h/d?connect_timeout={PLANTED}", "connect_timeout is not a number"),
        (
            f"postgresql://u:{PLANTED}@h/d?target_session_attrs=standby",
            "target_session_attrs must be one of any, read-write, primary",
        ),
    ],
)
def test_an_unusable_url_is_refused_with_the_reason_and_no_part_of_it(
    url: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refusal:
        read_database_url(url)
    assert PLANTED not in str(refusal.value)


def test_a_url_for_reads_may_ask_for_a_standby() -> None:
    url = "postgresql://h/db?target_session_attrs=prefer-standby"
    assert read_database_url(url, for_writes=False)["target_session_attrs"] == "prefer-standby"
