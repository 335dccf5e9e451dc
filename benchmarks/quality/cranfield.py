"""Cranfield through the search's own analysis and ranking formula, beside BM25 on the same tokens.

Cranfield is a public collection of 1 400 abstracts of aerodynamics with 225 queries and their
judgements, in three files: cran.all.1400, cran.qry and cranqrel. It is read from a folder, and is
no part of this repository. Each text becomes an award, so what the search knows about scholarships
is of no use.

Every text with one word of the query is ranked, by all clauses of the formula. The service itself
asks for all words first, and leaves out the lightest clauses of results with more than 312 awards.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bm25s
import ir_measures
import psycopg
from ir_measures import nDCG

from benchmarks.goals import NotMeasuredError
from benchmarks.quality.snapshots import open_snapshot
from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.file_commands import connect
from scholarship_api.search import limits
from scholarship_api.search.sql import statements
from scholarship_api.search.sql.scoring import negated_score
from scholarship_api.search.text.analysis import analyse

TEXTS: Final = "cran.all.1400"
QUERIES: Final = "cran.qry"
JUDGEMENTS: Final = "cranqrel"

MEASURE: Final = nDCG @ 10
_GAINS: Final = {"1": 4, "2": 3, "3": 2, "4": 1}
"""The gain of each judgement: 1 is a complete answer, 4 is of minimal interest."""

_MAX_NAME_CHARACTERS: Final = 200
_TOKENS: Final = """
    SELECT s.id, array_agg(word.lexeme)
    FROM scholarships AS s, unnest(s.search_vector) AS word, unnest(word.positions) AS position
    WHERE word.lexeme !~ '^([no]/|=)'
    GROUP BY s.id ORDER BY s.id
"""
"""The tokens of each text, one for each occurrence."""

_RANKED: Final = f"""
    SELECT string_agg(best.id, ' ' ORDER BY best.score, best.id) FROM (
        SELECT s.id, {negated_score()} AS score
        FROM scholarships AS s, (SELECT 1 AS total) AS counted
        WHERE s.search_vector @@ %(match)s::tsquery
        ORDER BY score, s.id LIMIT {MEASURE["cutoff"]:d}
    ) AS best
"""

_QUERY_TOKENS: Final = (
    "SELECT tsvector_to_array(to_tsvector('public.scholarship', public.plain_words(%s)))"
)

_FIELD: Final = re.compile(r"^(\.[TABW])\n(.*?)(?=^\.[TABW]\n|\Z)", re.MULTILINE | re.DOTALL)

Ranking = Mapping[str, float]
"""The score of each of the first texts."""


@dataclass(frozen=True, slots=True)
class Cranfield:
    ours: Mapping[str, float]
    """The NDCG@10 of each query."""
    bm25: Mapping[str, float]

    @property
    def our_mean(self) -> float:
        return sum(self.ours.values()) / len(self.ours)

    @property
    def bm25_mean(self) -> float:
        return sum(self.bm25.values()) / len(self.bm25)


@dataclass(frozen=True, slots=True)
class Collection:
    texts: Mapping[str, tuple[str, str]]
    """Title and text by number."""
    queries: Mapping[str, str]
    """By their position, to which the judgements refer, and not by the number in the file."""
    gains: Mapping[str, Mapping[str, int]]


def read(folder: Path | None) -> Collection:
    if folder is None:
        raise NotMeasuredError("Cranfield: name its folder with --cranfield")
    missing = [name for name in (TEXTS, QUERIES, JUDGEMENTS) if not (folder / name).is_file()]
    if missing:
        raise NotMeasuredError(f"Cranfield: {folder} has no {', '.join(missing)}")
    texts = {
        record[".I"]: (record[".T"] or record[".W"], record[".W"])
        for record in _records((folder / TEXTS).read_text("ascii"))
        if record[".W"]
    }
    queries = [
        _shortened(record[".W"]) for record in _records((folder / QUERIES).read_text("ascii"))
    ]
    gains: dict[str, dict[str, int]] = {}
    for line in (folder / JUDGEMENTS).read_text("ascii").splitlines():
        query, text, judgement = line.split()
        gains.setdefault(query, {})[text] = _GAINS.get(judgement, 0)
    return Collection(texts, {str(at): q for at, q in enumerate(queries, start=1)}, gains)


def _shortened(q: str) -> str:
    """The first words of a query, as many as the search takes."""
    return " ".join(re.findall(r"[^\W_]+", q)[: limits.MAX_QUERY_WORDS])


def _records(text: str) -> list[dict[str, str]]:
    """The fields of each record by their marks, .I, .T and so on, with single spaces."""
    records = []
    for part in re.split(r"^(?=\.I )", text, flags=re.MULTILINE)[1:]:
        number, _, fields = part.partition("\n")
        record = {".I": number.split()[1], ".T": "", ".W": ""}
        for found in _FIELD.finditer(fields):
            record[found[1]] = " ".join(found[2].split())
        records.append(record)
    return records


async def measure(database_url: str, collection: Collection) -> Cranfield:
    """The database is empty and becomes the collection."""
    await _import(database_url, collection)
    ours = await _ranked(database_url, collection.queries)
    reference = _bm25(database_url, collection.queries)
    return Cranfield(_measured(ours, collection), _measured(reference, collection))


async def _import(database_url: str, collection: Collection) -> None:
    lines = [
        json.dumps(
            {
                "id": number,
                "name": title[:_MAX_NAME_CHARACTERS],
                "organization": "-0-",
                "description": text,
                "scholarship_type": "merit_based",
                "deadline_kind": "rolling",
            }
        )
        for number, (title, text) in collection.texts.items()
    ]
    async with await connect(database_url) as connection:
        report = await import_stream(io.BytesIO("\n".join(lines).encode()), connection)
    if report.bad:
        raise ValueError(f"{report.bad} texts were not imported: {report.errors[0]}")


async def _ranked(database_url: str, queries: Mapping[str, str]) -> dict[str, Ranking]:
    rankings: dict[str, Ranking] = {}
    async with open_snapshot(database_url) as snapshot:
        for number, q in queries.items():
            text = await analyse(snapshot, q)
            assert text is not None
            any_word = text.relaxations[-1] if text.relaxations else text
            [(best,)] = await snapshot.fetch(_RANKED, statements.text_params(any_word))
            rankings[number] = {
                id_: -float(rank) for rank, id_ in enumerate(best.decode().split(" "))
            }
    return rankings


def _bm25(database_url: str, queries: Mapping[str, str]) -> dict[str, Ranking]:
    """BM25 as Lucene has it, with bm25s' parameters, k1 = 1.5 and b = 0.75."""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        texts: dict[str, list[str]] = dict(connection.execute(_TOKENS).fetchall())
        tokens = {
            number: connection.execute(_QUERY_TOKENS, [q]).fetchall()[0][0]
            for number, q in queries.items()
        }
    index = bm25s.BM25(method="lucene")
    index.index(list(texts.values()), show_progress=False)
    known = set().union(*texts.values())
    return {
        number: _first(list(texts), index.get_scores([word for word in words if word in known]))
        for number, words in tokens.items()
    }


def _first(ids: Sequence[str], scores: Sequence[float]) -> Ranking:
    order = sorted(range(len(ids)), key=lambda row: -scores[row])[: MEASURE["cutoff"]]
    return {ids[row]: float(scores[row]) for row in order}


def _measured(rankings: Mapping[str, Ranking], collection: Collection) -> dict[str, float]:
    measured = ir_measures.iter_calc([MEASURE], collection.gains, rankings)
    return {each.query_id: each.value for each in measured}
