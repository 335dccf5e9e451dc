"""Items of a JSON list are found wherever the chunks are cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange import json_items as module
from scholarship_api.exchange.json_items import JsonItem, json_items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('"\\{}[]:,aé\n', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('"\\{}items', max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text('"\\{}[ab', max_size=4), JSON, max_size=4)


def found(content: bytes, size: int = 7) -> list[Any]:
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    return [json.loads(item.content or b"null") for item in json_items(chunks, {"items"})]


@given(
    items=st.lists(OBJECTS, max_size=4),
    before=OBJECTS.filter(lambda each: '"items"' not in json.dumps(each)),
    size=st.integers(1, 40),
    indent=st.none() | st.just(1),
    ascii_only=st.booleans(),
)
def test_every_item_of_a_member_is_found(
    items: list[Any], before: dict[str, Any], size: int, indent: int | None, ascii_only: bool
) -> None:
    document = {"before": before, "text": 'a "items": [{}] \\', "items": items, "after": 1}
    content = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    assert found(content, size) == items


@given(items=st.lists(OBJECTS, max_size=4), size=st.integers(1, 40))
def test_a_document_may_be_the_list_itself(items: list[Any], size: int) -> None:
    assert found(json.dumps(items).encode() + b"  \n", size) == items


def test_one_item_may_stand_without_its_list() -> None:
    assert found(b'\xef\xbb\xbf{"a": {"items": {"b": 1}}}') == [{"b": 1}]


def test_several_documents_may_follow_each_other() -> None:
    assert found(b'{"items": [{"a": 1}]}\n{"items": [{"a": 2}, {"a": 3}]}') == [
        {"a": 1},
        {"a": 2},
        {"a": 3},
    ]


def test_an_item_knows_its_line() -> None:
    content = b'{\n"x": "\\n",\n"items": [\n{"a":\n1}\n,\n\n{}]}'
    assert [item.line for item in json_items([content], {"items"})] == [4, 8]


def test_an_item_that_is_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITEM_BYTES", 50)
    content = b'{"items": [{"a": "' + b"x" * 500 + b'"}, {"b": 1}]}'
    chunks = [content[at : at + 16] for at in range(0, len(content), 16)]
    assert list(json_items(chunks, {"items"})) == [JsonItem(1, None), JsonItem(1, b'{"b": 1}')]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"text",
        b'{"item": []}',
        b'{"items": 1}',
        b'{"items": [1]}',
        b'{"items": [[{}]]}',
        b'{"items": [{"a": 1}, {"a": ',
        b'{"items": [{"a": "]}',
        b'{"items": [{"a": 1}',
        b"[" * 1000,
    ],
)
def test_another_document_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        found(content)
