"""A search service of tantivy in a Starlette application: a search engine in the process, in Rust.

    TANTIVY_INDEX=folder uvicorn benchmarks.peers.tantivy_app:app

`build` writes the index of a catalogue. The service ranks by BM25 with weights for each field, and
filters in the index. It has no synonyms, no corrections, no cursors and no rate limits, and other
processes see a write only after they reload the index.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import tantivy
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tantivy import FieldType, Occur

OPEN_TO_ALL: Final = "*"
"""The term of an award that does not restrict a field."""

NO_DEADLINE: Final = 2.0**53
"""The closing time of an award without a deadline, in Unix seconds."""

WEIGHTS: Final = {"name": 4.0, "organization": 2.0, "description": 1.0}
TOKENS: Final = {
    "fields_of_study": "fields_of_study",
    "scholarship_types": "scholarship_type",
    "states": "states",
    "grade_level": "grade_levels",
    "citizenship": "citizenship",
}
"""The field of the index for each parameter that selects by value."""

SHOWN: Final = ("id", "name", "organization", "description", "scholarship_type", "currency")
COMPLETE: Final = "complete"
"""The file that marks an index as complete."""


def build(folder: Path, awards: Iterable[Mapping[str, Any]]) -> None:
    """Write the index of the awards, unless it is complete."""
    if (folder / COMPLETE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    index = tantivy.Index(_schema(), path=str(folder))
    writer = index.writer(heap_size=128 * 1024 * 1024, num_threads=1)
    for award in awards:
        writer.add_document(_document(award))
    writer.commit()
    writer.wait_merging_threads()
    (folder / COMPLETE).touch()


def _schema() -> "tantivy.Schema":
    builder = tantivy.SchemaBuilder()
    for name in WEIGHTS:
        builder.add_text_field(name, tokenizer_name="en_stem", index_option="position")
    for name in {*TOKENS.values(), "renewable"}:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("amount", "min_gpa", "closes_at"):
        builder.add_float_field(name, indexed=True, fast=True)
    builder.add_text_field("item", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _document(award: Mapping[str, Any]) -> "tantivy.Document":
    document = tantivy.Document()
    for name in WEIGHTS:
        document.add_text(name, award[name])
    for name in TOKENS.values():
        values = award[name] or [OPEN_TO_ALL]
        for value in [values] if isinstance(values, str) else values:
            document.add_text(name, value)
    document.add_text("renewable", str(award["renewable"]).lower())
    deadline = award["application_deadline"]
    document.add_float("amount", -1.0 if award["amount"] is None else award["amount"])
    document.add_float("min_gpa", award["min_gpa"] or 0.0)
    document.add_float("closes_at", deadline.timestamp() if deadline else NO_DEADLINE)
    item = {name: award[name] for name in SHOWN} | {
        "amount": award["amount"],
        "application_deadline": deadline and deadline.isoformat(),
    }
    document.add_text("item", json.dumps(item))
    return document


class Search:
    """The index of one process."""

    def __init__(self, folder: str) -> None:
        self._index = tantivy.Index.open(folder)
        self._schema = _schema()

    def answer(self, parameters: Mapping[str, str]) -> bytes:
        """The page of results as JSON."""
        searcher = self._index.searcher()
        found = searcher.search(
            self._query(parameters),
            limit=int(parameters.get("limit", "20")),
            offset=int(parameters.get("offset", "0")),
        )
        items = [searcher.doc(address)["item"][0] for _, address in found.hits]
        return f'{{"items":[{",".join(items)}],"total":{found.count}}}'.encode()

    def _query(self, parameters: Mapping[str, str]) -> "tantivy.Query":
        parts: list[Any] = [self._range("closes_at", time.time(), None)]
        if q := parameters.get("q"):
            query, _ = self._index.parse_query_lenient(
                q, list(WEIGHTS), field_boosts=WEIGHTS, conjunction_by_default=True
            )
            parts.append(query)
        for parameter, field in TOKENS.items():
            if values := parameters.get(parameter):
                terms = [*values.split(","), OPEN_TO_ALL]
                parts.append(tantivy.Query.term_set_query(self._schema, field, terms))
        if renewable := parameters.get("renewable"):
            parts.append(tantivy.Query.term_query(self._schema, "renewable", renewable))
        if low := parameters.get("min_amount"):
            parts.append(self._range("amount", float(low), None))
        if high := parameters.get("max_amount"):
            parts.append(self._range("amount", 0.0, float(high)))
        if gpa := parameters.get("min_gpa"):
            parts.append(self._range("min_gpa", None, float(gpa)))
        return tantivy.Query.boolean_query([(Occur.Must, part) for part in parts])

    def _range(self, field: str, low: float | None, high: float | None) -> "tantivy.Query":
        return tantivy.Query.range_query(self._schema, field, FieldType.Float, low, high)


async def index(request: Request) -> Response:  # noqa: ARG001
    return Response(b'{"status":"active"}', media_type="application/json")


async def search(request: Request) -> Response:
    engine: Search = request.app.state.search
    return Response(engine.answer(request.query_params), media_type="application/json")


app = Starlette(routes=[Route("/", index), Route("/api/v1/search", search)])
if folder := os.environ.get("TANTIVY_INDEX"):
    app.state.search = Search(folder)
