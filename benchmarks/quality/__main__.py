"""Quality of the search, judged by labels and collections, in one table and one plot.

    python -m benchmarks.quality [--plot .cache/benchmarks/quality.png] [--cranfield FOLDER]

Starts PostgreSQL servers of its own, and measures:

- Typing errors: the misspellings of codespell that are corrected, and the frequent English words
  that are wrongly corrected; see `typing_errors`.
- Cranfield, beside BM25 on the same tokens; see `cranfield`. FOLDER holds the collection; it may
  also be named by BENCHMARK_CRANFIELD. Without it, this part is not measured.
- Interpretation: the filters of the labelled queries of interpretation.txt.
- The labelled queries of queries.toml, as regression, beside BM25 and ts_rank over the bundled
  catalogue: NDCG@10, MRR and recall@10 by category, for the queries by which ranking was tuned and
  for those that are held out, and the queries that were lost against the best reference.

The references of the labelled queries: BM25 as bm25s computes it, with English stemming over the
same texts, a word of the name counted three times (the best of a grid over these very queries); and
PostgreSQL's ts_rank over the weighted vector that search has too, for awards with all the words of
websearch_to_tsquery or for those with any, whichever is better.

Exits with 1 when a goal of the table is missed or not measured.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.goals import Figure, NotMeasuredError, Row, exit_code, machine, stdout, table_of
from benchmarks.quality import cranfield, interpretation, labelled, plot, typing_errors
from benchmarks.quality.cranfield import Cranfield
from benchmarks.quality.interpretation import Quality
from benchmarks.quality.report import OURS, TOP, Comparison, losses_of, measures_of
from benchmarks.quality.systems import Bm25, served, ts_rank
from benchmarks.quality.typing_errors import TypingErrors
from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.platform.database import migrations

ABOVE: Final = 1.001
CRANFIELD_FOLDER: Final = "BENCHMARK_CRANFIELD"
RECALL: Final = 0.9
"""The least share of misspellings for which the right word is searched for."""
WRONGLY_CORRECTED_PERCENT: Final = 0.5
"""The largest share of frequent English words that are taken for misspellings."""
PRECISION_OF_FILTERS: Final = 0.97
RECALL_OF_FILTERS: Final = 0.85
PICTURE: Final = Path(__file__).parents[2] / ".cache" / "benchmarks" / "quality.png"


@dataclass(frozen=True, slots=True)
class Measured:
    comparison: Comparison
    typing_errors: TypingErrors
    interpretation: dict[str, Quality]
    """By the name of the half."""
    cranfield: Cranfield | NotMeasuredError


def measure(cranfield_folder: Path | None) -> Measured:
    with _catalogue() as url:
        load_bundled(url)
        comparison = _compare(url)
        misspellings = asyncio.run(typing_errors.measure(url))
    halves = {
        name: interpretation.measure(
            [query for query in interpretation.read() if query.is_held_out is is_held_out]
        )
        for name, is_held_out in (("development half", False), ("held-out half", True))
    }
    return Measured(comparison, misspellings, halves, _cranfield(cranfield_folder))


@contextmanager
def _catalogue() -> Iterator[str]:
    """The address of an empty database."""
    with (
        tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder,
        embedded_postgres(Path(folder) / "postgres", durable=False) as url,
    ):
        migrations.upgrade(url)
        yield url


def _cranfield(folder: Path | None) -> Cranfield | NotMeasuredError:
    try:
        collection = cranfield.read(folder)
    except NotMeasuredError as error:
        return error
    with _catalogue() as url:
        return asyncio.run(cranfield.measure(url, collection))


def _compare(url: str) -> Comparison:
    queries = labelled.read()
    texts = [query.q for query in queries]
    rankings = {OURS: asyncio.run(served(url, texts)), "BM25": Bm25().rank(texts)}
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        kinds = ts_rank(connection, texts)
    named = {f"ts_rank, {kind}": found for kind, found in kinds.items()}
    both = Comparison(queries, named)
    best = max(named, key=lambda system: both.mean(system, lambda _: True).ndcg)
    return Comparison(queries, rankings | {best: named[best]})


def rows_of(measured: Measured) -> list[Row]:
    """The table: every goal with its figure, or the reason why there is none."""
    rows = [Row.of(figure) for figure in _figures_of_typing_errors(measured.typing_errors)]
    rows.append(_row_of_cranfield(measured.cranfield))
    for half, quality in measured.interpretation.items():
        rows += [Row.of(figure) for figure in _figures_of_interpretation(half, quality)]
    return rows + [Row.of(figure) for figure in _figures_of_labelled(measured.comparison)]


def _figures_of_typing_errors(measured: TypingErrors) -> list[Figure]:
    return [
        Figure(
            goal="misspellings for which the right word is searched for",
            measured=measured.recall,
            wanted="at least",
            bound=RECALL,
            detail=f"{len(measured.misspellings)} of codespell;"
            f" the very word is proposed for {measured.exact_recall:.3f}",
        ),
        Figure(
            goal="frequent English words that are wrongly corrected",
            measured=100 * measured.wrong_share,
            wanted="at most",
            bound=WRONGLY_CORRECTED_PERCENT,
            unit="%",
            detail=f"{len(measured.wrongly_corrected)} of {measured.frequent_words}",
        ),
    ]


def _row_of_cranfield(measured: Cranfield | NotMeasuredError) -> Row:
    goal = "Cranfield: NDCG@10 against BM25 on the same tokens"
    if isinstance(measured, NotMeasuredError):
        return Row(goal, "at least 1x", "", None, str(measured))
    return Row.of(
        Figure(
            goal=goal,
            measured=measured.our_mean / measured.bm25_mean,
            wanted="at least",
            bound=1,
            unit="x",
            detail=f"{measured.our_mean:.3f} / {measured.bm25_mean:.3f}",
        )
    )


def _figures_of_interpretation(half: str, quality: Quality) -> list[Figure]:
    return [
        Figure(
            goal=f"precision of filters in words, {half}",
            measured=quality.precision,
            wanted="at least",
            bound=PRECISION_OF_FILTERS,
            detail=f"{len(quality.wrong)} wrong",
        ),
        Figure(
            goal=f"recall of filters in words, {half}",
            measured=quality.recall,
            wanted="at least",
            bound=RECALL_OF_FILTERS,
            detail=f"{len(quality.missed)} missed",
        ),
    ]


def _figures_of_labelled(comparison: Comparison) -> list[Figure]:
    figures = []
    for system in comparison.references:
        for name, group in (*comparison.halves(), *comparison.halves(misspelled=False)):
            ours, theirs = (comparison.mean(each, group).ndcg for each in (OURS, system))
            figures.append(
                Figure(
                    goal=f"NDCG@{labelled.DEPTH} above {system}, {name}",
                    measured=ours / theirs,
                    wanted="at least",
                    bound=ABOVE,
                    unit="x",
                    detail=f"{ours:.3f} / {theirs:.3f}",
                )
            )
    misspelled = sum(query.category == labelled.MISSPELLING for query in comparison.queries)
    missed = comparison.not_found()
    figures.append(
        Figure(
            goal=f"misspelled queries that find their target in the first {TOP}",
            measured=misspelled - len(missed),
            wanted="at least",
            bound=misspelled,
            detail=f"missed: {', '.join(missed)}" if missed else f"of {misspelled}",
        )
    )
    return figures


def cranfield_folder() -> Path | None:
    """The folder that the environment names."""
    named = os.environ.get(CRANFIELD_FOLDER)
    return Path(named) if named else None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plot", type=Path, default=PICTURE, help="the PNG to write")
    parser.add_argument(
        "--cranfield",
        type=Path,
        default=cranfield_folder(),
        metavar="FOLDER",
        help=f"the folder with {cranfield.TEXTS}; or {CRANFIELD_FOLDER}",
    )
    parser.add_argument("--quick", action="store_true", help="no difference: it takes seconds")
    options = parser.parse_args(argv)
    measured = measure(options.cranfield)
    plot.draw(
        measured.comparison,
        measured.typing_errors,
        measured.interpretation,
        measured.cranfield,
        options.plot,
    )
    console = stdout()
    console.print(measures_of(measured.comparison))
    console.print(losses_of(measured.comparison))
    console.print(f"Plot: {options.plot}")
    rows = rows_of(measured)
    console.print(machine())
    console.print(table_of(rows))
    return exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
