"""The compared systems over the same texts: the search as it is served, BM25 and plain ts_rank."""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

import bm25s
import psycopg
import Stemmer

from benchmarks.quality.labelled import DEPTH
from benchmarks.quality.snapshots import open_snapshot
from scholarship_api.catalogue.cli import BUNDLED_CATALOGUE
from scholarship_api.platform.signed_tokens import TokenSigner
from scholarship_api.search import cursors, service
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.schemas import SearchRequest

Rankings = list[list[str]]
"""For each query at most DEPTH ids of awards, the best first."""


# --- Search as it is served ----------------------------------------------------------------------


async def served(database_url: str, queries: Sequence[str]) -> Rankings:
    rankings = []
    codec = CursorCodec(TokenSigner(key="", purpose=cursors.PURPOSE))
    async with open_snapshot(database_url) as snapshot:
        for q in queries:
            request = SearchRequest(q=q, limit=DEPTH, include_closed=True)
            page = await service.search(snapshot, request, codec=codec)
            rankings.append([json.loads(item)["id"] for item in page.items])
    return rankings


# --- BM25 ----------------------------------------------------------------------------------------

# The best values of a grid search over all queries, which favours the reference.
NAME_REPEATED: Final = 3
ORGANIZATION_REPEATED: Final = 1
K1: Final = 0.6
B: Final = 0.5


class Bm25:
    """Lucene's BM25 with English stemming and folded accents, over the words that search indexes.

    The weight of a field is the number of times that its words are repeated, as in simple BM25F.
    """

    def __init__(
        self,
        *,
        name: int = NAME_REPEATED,
        organization: int = ORGANIZATION_REPEATED,
        k1: float = K1,
        b: float = B,
    ) -> None:
        awards = [json.loads(line) for line in BUNDLED_CATALOGUE.read_text().splitlines()]
        self.ids: list[str] = [award["id"] for award in awards]
        self._stem = Stemmer.Stemmer("english")
        self._index = bm25s.BM25(method="lucene", k1=k1, b=b)
        texts = [_text(award, name=name, organization=organization) for award in awards]
        self._index.index(self._tokens(texts), show_progress=False)

    def rank(self, queries: Sequence[str]) -> Rankings:
        rankings = []
        for tokens in self._tokens([_fold(q) for q in queries]):
            scores = self._index.get_scores(tokens) if tokens else []
            order = sorted(range(len(scores)), key=lambda row: -scores[row])[:DEPTH]
            rankings.append([self.ids[row] for row in order if scores[row] > 0])
        return rankings

    def _tokens(self, texts: Sequence[str]) -> list[list[str]]:
        tokens: Any = bm25s.tokenize(
            list(texts),
            stopwords="en",
            stemmer=self._stem,
            token_pattern=r"[^\W_]+",  # noqa: S106 - not a password
            return_ids=False,
            show_progress=False,
        )
        return list(tokens)


def _text(award: dict[str, Any], *, name: int, organization: int) -> str:
    criteria = award.get("eligibility_criteria", {})
    words = [*criteria.get("fields_of_study", ()), *criteria.get("grade_levels", ())]
    parts = [award["name"]] * name + [award["organization"]] * organization
    return _fold(" ".join([*parts, award["description"], award["scholarship_type"], *words]))


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return re.sub(r"[\u0300-\u036f]", "", decomposed)


# --- ts_rank -------------------------------------------------------------------------------------

_TS_RANK: Final = """
    SELECT s.id FROM scholarships AS s, (SELECT {query} AS tsquery) AS asked
    WHERE s.search_vector @@ asked.tsquery
    ORDER BY ts_rank(s.search_vector, asked.tsquery) DESC, s.id LIMIT %(depth)s
"""
_ALL_WORDS: Final = "websearch_to_tsquery('public.scholarship', public.plain_words(%(q)s))"
_ANY_WORD: Final = f"replace({_ALL_WORDS}::text, ' & ', ' | ')::tsquery"


def ts_rank(connection: "psycopg.Connection[Any]", queries: Sequence[str]) -> dict[str, Rankings]:
    """ts_rank over the weighted vector of the search: with all words of a query, and with any."""
    return {
        kind: [
            [id_ for (id_,) in connection.execute(statement, {"q": q, "depth": DEPTH})]
            for q in queries
        ]
        for kind, statement in (
            ("all words", _TS_RANK.format(query=_ALL_WORDS)),
            ("any word", _TS_RANK.format(query=_ANY_WORD)),
        )
    }
