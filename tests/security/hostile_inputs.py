"""The worst inputs of the largest size, made from an OpenAPI document."""

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

BODY_BYTES: Final = 65_536
"""The largest body that a route other than the import reads."""

QUERY_CHARACTERS: Final = 1_900
"""The longest query to send: path and query may have 2048 bytes together."""

_ITEMS: Final = {
    "wrong words": '"x"',
    "codes": '"CA"',
    "empty texts": '""',
    "numbers": "1",
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
    """For every operation: hostile bodies of BODY_BYTES and hostile queries.

    The lists of a body are tried on every operation, its other fields once for each schema.
    """
    tried: set[str] = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            verb = method.upper()
            for name, query in _queries(document, operation.get("parameters", [])):
                yield Hostile(verb, path, name, query=query)
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                schema = content.get("schema", {})
                is_new = schema.get("$ref", f"{verb} {path}") not in tried
                tried.add(schema.get("$ref", f"{verb} {path}"))
                for name, text in _bodies(document, media_type, schema, lists_only=not is_new):
                    body = text.encode()[:BODY_BYTES]
                    yield Hostile(verb, path, name, media_type=media_type, body=body)


def list_fields(document: Document, schema: Mapping[str, Any]) -> set[str]:
    """The dotted names of a schema's lists."""
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
    document: Document, media_type: str, schema: Mapping[str, Any], *, lists_only: bool
) -> Iterator[tuple[str, str]]:
    if "json" in media_type and "ndjson" not in media_type and "jsonl" not in media_type:
        yield from _json_bodies(document, schema, lists_only=lists_only)
    elif media_type == "application/x-www-form-urlencoded":
        yield "many fields", _numbered("", "#=1&", "", BODY_BYTES)
        yield "one field many times", "username=x&" * (BODY_BYTES // 11)
        yield "nameless fields", "&=" * (BODY_BYTES // 2)
        yield "encoded", "username=" + "%61" * (BODY_BYTES // 3 - 5)
    else:
        for name, line in {
            "empty rows": "{}\n",
            "numbers": "1\n",
            "commas": ",\n",
            "quotes": '"\n',
            "wrong lists": '{"id":"a","eligibility_criteria":{"fields_of_study":[1,1,1]}}\n',
        }.items():
            yield name, line * (BODY_BYTES // len(line))
        yield "one long row", "[" * BODY_BYTES
        yield "many columns", "x," * (BODY_BYTES // 2)


def _json_bodies(
    document: Document, schema: Mapping[str, Any], *, lists_only: bool
) -> Iterator[tuple[str, str]]:
    yield "unknown keys", _numbered("{", '"#":1,', '"z":1}', BODY_BYTES)
    yield "unknown keys of objects", _numbered("{", '"#":{},', '"z":1}', BODY_BYTES)
    yield "one key many times", _filled("{", '"q":1,', '"z":1}', BODY_BYTES)
    yield "a long key", '{"' + "k" * (BODY_BYTES - 6) + '":1}'
    yield "a long escaped key", '{"' + "\\u0001" * (BODY_BYTES // 6 - 2) + '":1}'
    yield "nested lists", "[" * (BODY_BYTES // 2) + "]" * (BODY_BYTES // 2)
    yield "nested objects", '{"a":' * (BODY_BYTES // 6 - 1) + "1" + "}" * (BODY_BYTES // 6 - 1)
    for path, leaf in _fields(document, schema):
        if lists_only and "array" not in _types(leaf):
            continue
        head = "".join(f'{{"{part}":' for part in path)
        tail = "}" * len(path)
        name = ".".join(path)
        size = BODY_BYTES - len(head) - len(tail)
        # A field that is no list refuses one without a look at its items.
        kinds = _ITEMS if "array" in _types(leaf) else {"numbers": "1"}
        for kind, item in kinds.items():
            yield (
                f"{name}: a list of {kind}",
                head + _filled("[", item + ",", item + "]", size) + tail,
            )
        if lists_only:
            continue
        nested = (size - 2) // 2
        yield f"{name}: nested lists", head + "[" * nested + "]" * nested + tail
        yield f"{name}: unknown keys", head + _numbered("{", '"#":1,', '"z":1}', size) + tail
        yield f"{name}: a long text", f'{head}"{"x" * (size - 2)}"{tail}'
        yield f"{name}: a text of commas", f'{head}"{"CA," * (size // 3 - 1)}"{tail}'
        yield f"{name}: a text of spaces", f'{head}"{" " * (size - 2)}"{tail}'
        yield f"{name}: a text of digits", f'{head}"{"9" * (size - 2)}"{tail}'
        yield f"{name}: a huge integer", f"{head}{'9' * size}{tail}"
        yield f"{name}: a long fraction", f"{head}0.{'1' * (size - 2)}{tail}"
        yield f"{name}: a huge exponent", f"{head}1e{'9' * 300}{tail}"


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
    """Every field of a schema with its schema, those of objects in it too."""
    for part in _alternatives(document, schema):
        for name, field in part.get("properties", {}).items():
            yield (*path, name), field
            yield from _fields(document, field, (*path, name))


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
