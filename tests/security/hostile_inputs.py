"""The worst inputs of the largest size, made from an OpenAPI document."""

import functools
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

BODY_BYTES: Final = 65_536
"""The largest body of a route that takes no files."""

FILE_PATHS: Final = ("/api/v1/scholarships/import", "/api/v1/scholarships/import/preview")
FILE_BYTES: Final = 1_048_576
"""The largest body that they read by default."""

QUERY_CHARACTERS: Final = 1_900
"""The longest query to send: path and query may have 2048 bytes together."""

ITEM: Final = "[]"
"""Stands in the name of a field for the items of a list: `searches.[].states`."""

_NUMBERS: Final = {"numbers": "1"}
_ITEMS: Final = _NUMBERS | {
    "wrong words": '"x"',
    "codes": '"CA"',
    "empty texts": '""',
    "booleans": "true",
    "nulls": "null",
    "lists": "[]",
    "objects": "{}",
    "two words in one": '"CA,NY"',
}

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request to one documented operation."""

    method: str
    path: str
    """The template, with its parameters in braces."""
    name: str
    query: str = ""
    media_type: str = ""
    body: bytes = b""

    @property
    def id(self) -> str:
        return f"{self.method} {self.path} {self.media_type} {self.name}"


def requests_to(document: Document) -> Iterator[Hostile]:
    """For every operation: hostile bodies of the largest size and hostile queries.

    Each list of a body is tried on every operation with numbers. With other items it is tried once,
    if several operations have a field of this name and schema; fields that are no lists are too.
    """
    tried: set[str] = set()
    for path, operations in document["paths"].items():
        size = FILE_BYTES if path in FILE_PATHS else BODY_BYTES
        for method, operation in operations.items():
            verb = method.upper()
            for name, query in _queries(document, operation.get("parameters", [])):
                yield Hostile(verb, path, name, query=query)
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                schema = content.get("schema", {})
                for name, text in _bodies(document, media_type, schema, size=size, tried=tried):
                    body = text.encode()[:size]
                    yield Hostile(verb, path, name, media_type=media_type, body=body)


def list_fields(document: Document, schema: Mapping[str, Any]) -> set[str]:
    """The dotted names of a schema's lists, with ITEM for the items of a list."""
    return {".".join(path) for path, leaf in _fields(document, schema) if "array" in _types(leaf)}


def _queries(document: Document, parameters: list[Any]) -> Iterator[tuple[str, str]]:
    yield "many unknown parameters", _numbered("", "#=1&", "", QUERY_CHARACTERS)
    for parameter in parameters:
        if parameter["in"] != "query":
            continue
        name = parameter["name"]
        yield f"{name}: commas", f"{name}=" + "x," * ((QUERY_CHARACTERS - len(name)) // 2)
        yield f"{name}: repeated", f"{name}=x&" * (QUERY_CHARACTERS // (len(name) + 3))
        yield f"{name}: digits", f"{name}=" + "9" * (QUERY_CHARACTERS - len(name))
        yield f"{name}: encoded", f"{name}=" + "%f0%9f%8e%93" * (QUERY_CHARACTERS // 12 - 4)


def _bodies(
    document: Document, media_type: str, schema: Mapping[str, Any], *, size: int, tried: set[str]
) -> Iterator[tuple[str, str]]:
    if "json" in media_type and "ndjson" not in media_type and "jsonl" not in media_type:
        yield from _json_bodies(document, schema, size=size, tried=tried)
    elif media_type == "application/x-www-form-urlencoded":
        yield "many fields", _numbered("", "#=1&", "", size)
        yield "one field many times", "username=x&" * (size // 11)
        yield "nameless fields", "&=" * (size // 2)
        yield "encoded", "username=" + "%61" * (size // 3 - 5)
    else:
        for name, line in {
            "empty rows": "{}\n",
            "numbers": "1\n",
            "commas": ",\n",
            "quotes": '"\n',
            "wrong lists": '{"id":"a","eligibility_criteria":{"fields_of_study":[1,1,1]}}\n',
        }.items():
            yield name, line * (size // len(line))
        yield "one long row", "[" * size
        yield "many columns", "x," * (size // 2)


def _json_bodies(
    document: Document, schema: Mapping[str, Any], *, size: int, tried: set[str]
) -> Iterator[tuple[str, str]]:
    yield "unknown keys", _numbered("{", '"#":1,', '"z":1}', size)
    yield "unknown keys of objects", _numbered("{", '"#":{},', '"z":1}', size)
    yield "one key many times", _filled("{", '"q":1,', '"z":1}', size)
    yield "a long key", '{"' + "k" * (size - 6) + '":1}'
    yield "a long escaped key", '{"' + "\\u0001" * (size // 6 - 2) + '":1}'
    yield "nested lists", "[" * (size // 2) + "]" * (size // 2)
    yield "nested objects", '{"a":' * (size // 6 - 1) + "1" + "}" * (size // 6 - 1)
    for path, leaf in _fields(document, schema):
        field = f"{path[-1]}: {json.dumps(leaf, sort_keys=True)}"
        is_new, is_list = field not in tried, "array" in _types(leaf)
        tried.add(field)
        if not (is_new or is_list):
            continue
        name = ".".join(path)
        head, tail = around(name)
        left = size - len(head) - len(tail)
        # A field that is no list refuses one without a look at its items.
        for kind, item in (_ITEMS if is_new and is_list else _NUMBERS).items():
            yield (
                f"{name}: a list of {kind}",
                head + _filled("[", item + ",", item + "]", left) + tail,
            )
        if not is_new:
            continue
        nested = (left - 2) // 2
        yield f"{name}: nested lists", head + "[" * nested + "]" * nested + tail
        yield f"{name}: unknown keys", head + _numbered("{", '"#":1,', '"z":1}', left) + tail
        yield f"{name}: a long text", f'{head}"{"x" * (left - 2)}"{tail}'
        yield f"{name}: a text of commas", f'{head}"{"CA," * (left // 3 - 1)}"{tail}'
        yield f"{name}: a text of spaces", f'{head}"{" " * (left - 2)}"{tail}'
        yield f"{name}: a text of digits", f'{head}"{"9" * (left - 2)}"{tail}'
        yield f"{name}: a huge integer", f"{head}{'9' * left}{tail}"
        yield f"{name}: a long fraction", f"{head}0.{'1' * (left - 2)}{tail}"
        yield f"{name}: a huge exponent", f"{head}1e{'9' * 300}{tail}"


def around(field: str) -> tuple[str, str]:
    """The text before and after the value of a field, in a body without any other field."""
    parts = field.split(".") if field else []
    head = "".join("[" if part == ITEM else f'{{"{part}":' for part in parts)
    return head, "".join("]" if part == ITEM else "}" for part in reversed(parts))


def _filled(head: str, item: str, tail: str, size: int) -> str:
    """Repeat `item` as often as `size` characters allow."""
    return head + item * ((size - len(head) - len(tail)) // len(item)) + tail


@functools.cache
def _numbered(head: str, item: str, tail: str, size: int) -> str:
    """The same, with a number of its own for `#` in each."""
    items, length = [], len(head) + len(tail)
    for number in itertools.count():
        items.append(item.replace("#", str(number)))
        length += len(items[-1])
        if length > size:
            return "".join([head, *items[:-1], tail])
    raise AssertionError


def _fields(
    document: Document, schema: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every field of a schema with its schema, those of objects and lists in it too."""
    for part in _alternatives(document, schema):
        for name, field in part.get("properties", {}).items():
            yield (*path, name), field
            yield from _fields(document, field, (*path, name))
        if "items" in part:
            yield from _fields(document, part["items"], (*path, ITEM))


def _alternatives(document: Document, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        yield from _alternatives(document, found)
        return
    yield schema
    for key in ("anyOf", "allOf", "oneOf"):
        for part in schema.get(key, ()):
            yield from _alternatives(document, part)


def _types(schema: Mapping[str, Any]) -> set[str]:
    parts = [schema, *schema.get("anyOf", ())]
    return {part["type"] for part in parts if isinstance(part.get("type"), str)}
