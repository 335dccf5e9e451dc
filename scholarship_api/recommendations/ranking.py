"""The recommendation score of every open award at once, made of the tables of `rules`."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.read_model.criteria import Answers
from scholarship_api.catalogue.read_model.matching import Matches, partition
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.recommendations import rules
from scholarship_api.vocabulary import ScholarshipType

_EPOCH_DAY: Final = dt.date(1970, 1, 1).toordinal()
_NO_END: Final = 1_000_000
"""Days; later than any deadline."""

SUITABLE: Final = (Verdict.ELIGIBLE, Verdict.LIKELY_ELIGIBLE, Verdict.NEEDS_INFORMATION)


def best_first(
    model: ReadModel, answers: Answers, *, now: dt.datetime, include_ineligible: bool
) -> Iterator[BitMap]:
    """Groups of open awards with the same score, the highest first."""
    matches = model.match(answers, within=model.open(now), now=now)
    for _, awards in by_score(model, matches, answers, now=now, include_all=include_ineligible):
        yield awards


def by_score(
    model: ReadModel, matches: Matches, answers: Answers, *, now: dt.datetime, include_all: bool
) -> Iterator[tuple[int, BitMap]]:
    """Scores as `rules.total` gives them, in thousandths, each with its awards."""
    among = matches.of_verdicts(Verdict if include_all else SUITABLE)
    by_points = partition(among, _steps(model, answers, now=now))
    pending: dict[int, list[BitMap]] = {}
    for points in sorted(by_points, reverse=True):
        # Match scores are found only once a page needs them: most awards have too few points.
        yield from _pop(pending, above=rules.highest_total(points))
        for match_score, awards in matches.scored(by_points[points]):
            pending.setdefault(rules.total_of(match_score, points), []).append(awards)
    yield from _pop(pending, above=-1)


def _pop(pending: dict[int, list[BitMap]], *, above: int) -> Iterator[tuple[int, BitMap]]:
    """Take out the awards with a score above this one, the highest first."""
    for total in sorted(pending, reverse=True):
        if total > above:
            yield total, BitMap.union(*pending.pop(total))


def fields_of_study(answers: Answers) -> Sequence[str]:
    fields = answers.get("field_of_study") or ()
    return (fields,) if isinstance(fields, str) else fields


def _steps(model: ReadModel, answers: Answers, *, now: dt.datetime) -> Iterator[tuple[BitMap, int]]:
    """Awards, and the points that they get beside those for the match."""
    if fields := fields_of_study(answers):
        yield model.naming("fields_of_study", fields), rules.FIELD_NAMED
    above = None
    for least, points in rules.AMOUNTS:
        yield model.amounts_between(least * 100, above), points
        above = least * 100 - 1
    yield from _deadline_steps(model, now)
    types = dict(rules.TYPES)
    if answers.get("financial_need"):
        types[ScholarshipType.NEED_BASED] = rules.NEED_WITH_NEED
    for kind, points in types.items():
        yield model.with_attribute("scholarship_type", [kind.value]), points


def _deadline_steps(model: ReadModel, now: dt.datetime) -> Iterator[tuple[BitMap, int]]:
    zones_by_day: dict[int, list[str]] = {}
    for zone in model.time_zones:
        today = now.astimezone(zone_of(zone)).toordinal() - _EPOCH_DAY
        zones_by_day.setdefault(today, []).append(zone)
    for today, zones in zones_by_day.items():
        awards = model.time_zones.of(zones)
        for (start, points), (end, _) in pairwise((*rules.DEADLINES, (_NO_END, 0))):
            if points:
                yield awards & model.closing_days_between(today + start, today + end - 1), points
