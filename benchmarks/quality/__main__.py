"""Quality of the ranking, compared with BM25 and plain ts_rank in one run.

    python -m benchmarks.quality [--plot .cache/benchmarks/quality.png]

Imports the bundled catalogue into a PostgreSQL of its own, asks the labelled queries of
queries.toml of each system, and prints NDCG@10, MRR and recall@10 by category, for the queries by
which ranking is tuned and for those that are held out, and the queries that were lost against the
best reference. The plot shows the same, down to the single query.

The references: BM25 as bm25s computes it, with English stemming over the same texts, a word of the
name counted three times (the best of a grid over these very queries); and PostgreSQL's ts_rank over
the weighted vector that search has too, for awards with all the words of websearch_to_tsquery or
for those with any, whichever is better.

Exits with 1 unless search is above both references on both halves, also without the misspelled
queries, which no reference corrects, and every misspelled query finds its target among the first
three.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.goals import Figure, Row, exit_code, machine, stdout, table_of
from benchmarks.quality import labelled, plot
from benchmarks.quality.report import OURS, TOP, Comparison, losses_of, measures_of
from benchmarks.quality.systems import Bm25, served, ts_rank
from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.platform.database import migrations

ABOVE: Final = 1.001
PICTURE: Final = Path(__file__).parents[2] / ".cache" / "benchmarks" / "quality.png"


def compare() -> Comparison:
    queries = labelled.read()
    texts = [query.q for query in queries]
    with (
        tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder,
        embedded_postgres(Path(folder) / "postgres", durable=False) as url,
    ):
        migrations.upgrade(url)
        load_bundled(url)
        rankings = {OURS: asyncio.run(served(url, texts)), "BM25": Bm25().rank(texts)}
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            kinds = ts_rank(connection, texts)
    named = {f"ts_rank, {kind}": found for kind, found in kinds.items()}
    both = Comparison(queries, named)
    best = max(named, key=lambda system: both.mean(system, lambda _: True).ndcg)
    return Comparison(queries, rankings | {best: named[best]})


def figures_of(comparison: Comparison) -> list[Figure]:
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


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plot", type=Path, default=PICTURE, help="the PNG to write")
    parser.add_argument("--quick", action="store_true", help="no difference: it takes seconds")
    options = parser.parse_args(argv)
    comparison = compare()
    plot.draw(comparison, options.plot)
    console = stdout()
    console.print(measures_of(comparison))
    console.print(losses_of(comparison))
    console.print(f"Plot: {options.plot}")
    rows = [Row.of(figure) for figure in figures_of(comparison)]
    console.print(machine())
    console.print(table_of(rows))
    return exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
