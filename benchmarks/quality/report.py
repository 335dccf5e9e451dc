"""The measures of all rankings of one run, as tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from benchmarks.quality.labelled import MISSPELLING, LabelledQuery, Score, mean, score
from benchmarks.quality.systems import Rankings

OURS: Final = "search"
TOP: Final = 3
"""The lowest rank at which a misspelled query has to find its target."""

LOST: Final = 0.01
"""The smallest difference of NDCG that counts as a loss."""

Group = Callable[[LabelledQuery], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    queries: Sequence[LabelledQuery]
    rankings: Mapping[str, Rankings]
    """The rankings of each system by its name; OURS is one of them."""

    def scores(self, system: str) -> list[Score]:
        found = zip(self.queries, self.rankings[system], strict=True)
        return [score(query, ids) for query, ids in found]

    def mean(self, system: str, group: Group) -> Score:
        scores = zip(self.queries, self.scores(system), strict=True)
        return mean([each for query, each in scores if group(query)])

    @property
    def references(self) -> list[str]:
        return [system for system in self.rankings if system != OURS]

    def gains(self) -> list[tuple[LabelledQuery, float, float]]:
        """Each query with our NDCG and the best NDCG of a reference."""
        best = zip(*(self.scores(system) for system in self.references), strict=True)
        return [
            (query, ours.ndcg, max(other.ndcg for other in others))
            for query, ours, others in zip(self.queries, self.scores(OURS), best, strict=True)
        ]

    def groups(self) -> Iterator[tuple[str, Group]]:
        """Categories in the order of the file, then the halves, then all."""
        for name in dict.fromkeys(query.category for query in self.queries):
            yield name, lambda query, name=name: query.category == name  # type: ignore[misc]
        yield from self.halves()
        yield "all", lambda _: True

    def halves(self, *, misspelled: bool = True) -> Iterator[tuple[str, Group]]:
        for name, is_held_out in (("first half", False), ("held out", True)):
            if misspelled:
                yield name, lambda query, held=is_held_out: query.is_held_out is held  # type: ignore[misc]
            else:
                yield (
                    f"{name}, spelled right",
                    lambda query, held=is_held_out: (  # type: ignore[misc]
                        query.is_held_out is held and query.category != MISSPELLING
                    ),
                )

    def not_found(self) -> list[str]:
        """The misspelled queries that do not find a target among the first TOP."""
        ranked = zip(self.queries, self.rankings[OURS], strict=True)
        return [
            query.q
            for query, ids in ranked
            if query.category == MISSPELLING and not query.targets.intersection(ids[:TOP])
        ]


def measures_of(comparison: Comparison) -> Table:
    table = Table("Queries", "", show_edge=False)
    for system in comparison.rankings:
        for measure in ("NDCG@10", "MRR", "recall"):
            table.add_column(f"{system}\n{measure}", justify="right")
    for name, group in comparison.groups():
        if name == "first half":
            table.add_section()
        cells = []
        for system in comparison.rankings:
            values = comparison.mean(system, group)
            cells += [values.ndcg, values.reciprocal_rank, values.recall]
        count = sum(map(group, comparison.queries))
        table.add_row(name, str(count), *(f"{value:.3f}" for value in cells))
    return table


def losses_of(comparison: Comparison) -> Table:
    table = Table("Lost against the best reference", "Category", "NDCG@10", "Reference's")
    table.show_edge = False
    lost = [each for each in comparison.gains() if each[1] < each[2] - LOST]
    for query, ours, theirs in sorted(lost, key=lambda each: each[1] - each[2]):
        category = f"{query.category}, held out" if query.is_held_out else query.category
        table.add_row(query.q, category, f"{ours:.2f}", f"{theirs:.2f}")
    return table
