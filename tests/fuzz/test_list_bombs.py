"""Long lists, many keys and deep nesting, sent to every operation of the real service."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from tests.fuzz.amount import FUZZ, seed
from tests.fuzz.conftest import Client, FuzzedService
from tests.security.hostile_inputs import BODY_BYTES, QUERY_CHARACTERS, around, list_fields

pytestmark = [pytest.mark.server, pytest.mark.slow]

MAX_ANSWER_BYTES: Final = 65_536
ENDS_THE_SESSION: Final = ("/api/v1/auth/me", "/api/v1/auth/logout")
JSON: Final = "application/json"

ITEMS: Final = st.sampled_from(
    (
        *("1", "-0", "1e99", "null", "true", '""', '"x"', '"CA"', '"CA,NY"', '","', '"\\u0000"'),
        *("[]", "[[]]", "{}", '{"a":1}', '"engineering"', '"\\ud800"', '"' + "x" * 500 + '"'),
    )
)
LENGTHS: Final = st.one_of(st.integers(0, 300), st.integers(300, 40_000))
KEYS: Final = st.sampled_from(("q", "states", "id", "", "user_profile", "\u202e", "__proto__"))


class Target(NamedTuple):
    method: str
    path: str
    fields: tuple[str, ...]
    """The dotted names of the lists in the body."""
    queries: tuple[str, ...]


def targets(document: Mapping[str, Any]) -> Iterator[Target]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path in ENDS_THE_SESSION or method == "delete":
                continue
            body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
            fields = sorted(list_fields(document, body.get("schema", {})))
            queries = [
                one["name"] for one in operation.get("parameters", []) if one["in"] == "query"
            ]
            yield Target(
                method.upper(),
                re.sub(r"\{.*?\}", "fuzzed-1", path),
                tuple([*fields, ""] if body else []),
                tuple(queries),
            )


@st.composite
def bombs(draw: st.DrawFn) -> str:
    """A JSON value that is long, wide or deep."""
    count = draw(LENGTHS)
    match draw(st.sampled_from(("list", "mixed list", "keys", "one key", "depth"))):
        case "list":
            return "[" + ",".join([draw(ITEMS)] * count) + "]"
        case "mixed list":
            some = draw(st.lists(ITEMS, min_size=1, max_size=5))
            return "[" + ",".join((some * (count // len(some) + 1))[:count]) + "]"
        case "keys":
            item = draw(ITEMS)
            return "{" + ",".join(f'"{number}":{item}' for number in range(count)) + "}"
        case "one key":
            pair = f"{json.dumps(draw(KEYS))}:{draw(ITEMS)}"
            return "{" + ",".join([pair] * count) + "}"
        case _:
            opening, closing = draw(st.sampled_from((("[", "]"), ('{"a":', "}"))))
            return opening * count + "1" + closing * count


@hypothesis_seed(seed())
@FUZZ
@given(data=st.data(), bomb=bombs())
def test_bombs_are_refused_with_a_short_answer(
    client: Client, fuzzed: FuzzedService, data: st.DataObject, bomb: str
) -> None:
    target = data.draw(st.sampled_from(list(targets(fuzzed.document))))
    how: dict[str, Any] = {}
    if target.fields:
        head, tail = around(data.draw(st.sampled_from(target.fields)))
        how = {"content": (head + bomb + tail).encode(), "headers": {"Content-Type": JSON}}
    elif target.queries:
        name = data.draw(st.sampled_from(target.queries))
        text = bomb.replace('"', "")[: QUERY_CHARACTERS // 3]
        how = {"params": {name: text}}
    answer = client.ask(target.method, target.path, **how)
    assert len(answer.content) <= MAX_ANSWER_BYTES
    if len(how.get("content", b"")) > BODY_BYTES:
        assert answer.status_code == 413
