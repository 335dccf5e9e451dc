import json
import time
from typing import Any

import pytest

from scholarship_api.platform.observability.redaction import (
    REDACTED,
    Redactor,
    escape_control_characters,
)

PLANTED = "Pl4nted.Value-7"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://api:{PLANTED}@db/scholarships",
        f"could not connect to postgresql+psycopg://api:{PLANTED}@db:5432/x?sslmode=require now",
        f"redis://:{PLANTED}@cache/0",
        f"https://user:{PLANTED}@partner.example.org/path",
        f"host=db user=api password={PLANTED} dbname=x",
        f"password='{PLANTED} with spaces' dbname=x",
        f"PGPASSWORD={PLANTED}",
        f"Authorization: Bearer {PLANTED}",
        f"authorization: Basic {PLANTED}",
        f"authorization: Digest name {PLANTED}",
        f"sent Bearer {PLANTED} and failed",
        f"X-API-Key: {PLANTED}",
        f"{{'x-api-key': '{PLANTED}'}}",
        f"the key sch_live_{PLANTED} was refused",
        f"sch_pub_{PLANTED}",
        f"{{'authorization': 'Bearer {PLANTED}'}}",
        f'{{"access_token": "{PLANTED}", "token_type": "bearer"}}',
        f'{{"password": "quote \\" {PLANTED}"}}',
        f"grant_type=password&username=a&password={PLANTED}",
        f"JWT_SECRET_KEY = {PLANTED}",
        f"api-key: {PLANTED}; x".replace("api-key", "api_key"),
        f"Cookie: session={PLANTED}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ{PLANTED.replace('.', '_')}.c2lnbmF0dXJl",
        f"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA${PLANTED}",
    ],
)
def test_credentials_are_redacted_by_their_form(text: str) -> None:
    for candidate in (text, f"line before\n{text}\nline after"):
        clean = Redactor().text(candidate)
        assert PLANTED not in clean
        assert PLANTED.replace(".", "_") not in clean
        assert REDACTED in clean
        assert Redactor().may_change(json.dumps(candidate)), "the quick look has to see it"


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v1/search 200",
        "https://www.example.org/scholarships?page=2",
        "postgresql://db/scholarships",
        "redis://cache:6379/0",
        "10:30 the worker booted",
        "token is missing",
        "the basic plan",
    ],
)
def test_other_text_is_unchanged(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("s3cret value/with=signs", "found s3cret value/with=signs here"),
        ("postgresql://api:p%40ssw%2Frd@db/x", "FATAL: p@ssw/rd is wrong"),
        ("postgresql://api:p%40ssw%2Frd@db/x", "FATAL: p%40ssw%2Frd is wrong"),
        ('quo"te\\and\u00e4umlaut', 'it is quo"te\\and\u00e4umlaut, see'),
    ],
)
def test_the_secrets_of_the_process_are_redacted_anywhere(secret: str, text: str) -> None:
    redactor = Redactor([secret])
    assert redactor.may_change(json.dumps({"event": text}))
    clean = redactor.text(text)
    assert REDACTED in clean
    assert "ssw" not in clean
    assert secret not in clean


def test_values_of_sensitive_keys_are_redacted() -> None:
    event: dict[str, Any] = {
        "password": PLANTED,
        "nested": {"Authorization": PLANTED, "list": [{"api_key": [PLANTED]}]},
        "new_password": None,
        "user": "ada",
    }
    clean = Redactor().mapping(event)
    assert PLANTED not in str(clean)
    assert (clean["user"], clean["new_password"]) == ("ada", None)


def test_values_without_a_json_form_become_text() -> None:
    class Odd:
        def __str__(self) -> str:
            return f"odd password={PLANTED}"

    recursive: list[Any] = []
    recursive.append(recursive)
    event = {"nan": float("nan"), "odd": Odd(), "set": {1}, "bytes": b"x", 7: "key", "r": recursive}
    clean = json.loads(json.dumps(Redactor().mapping(event), allow_nan=False))
    assert clean["nan"] == "nan"
    assert PLANTED not in str(clean)
    assert (clean["set"], clean["bytes"], clean["7"]) == ([1], "b'x'", "key")


def test_long_values_are_cut() -> None:
    clean = Redactor().text("x" * 1_000_000)
    assert len(clean) < 17_000
    assert clean.endswith("(1000000 characters)")


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "eyJ-",
        "token ",
        'token="\\',
        "bearer ",
        "a://",
        "b:",
        "authorization ",
        "secret_",
    ],
)
def test_hostile_text_takes_milliseconds(unit: str) -> None:
    text = (unit * 20_000)[:16_000] + " password=x://"
    started = time.process_time()
    Redactor().text(text)
    assert time.process_time() - started < 1


def test_control_characters_become_visible() -> None:
    forged = "x\n2026-01-01 [info] forged\r\x1b[2J\u2028\u202e\x00\x9b"
    clean = escape_control_characters(forged)
    assert clean.isprintable()
    assert "\\x0a" in clean
    assert escape_control_characters("a\n\x1b", keep_newlines=True) == "a\n\\x1b"
