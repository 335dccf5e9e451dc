"""Checks a profile against one award, several, or the whole catalogue."""

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pyroaring import BitMap

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.read_model.current import CurrentModel, ReadRows
from scholarship_api.catalogue.read_model.details import AwardDetails, read_details
from scholarship_api.catalogue.read_model.matching import Matches
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.rule import MAX_SCORE, Finding, Verdict, nearest
from scholarship_api.catalogue.versions import utc_now
from scholarship_api.eligibility.schemas import (
    CheckPage,
    CheckRequest,
    CheckResult,
    CriterionOutcome,
    EligibilityResult,
    Profile,
)
from scholarship_api.errors import NotFound
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import REQUEST_SECONDS
from scholarship_api.vocabulary import Availability, Status


async def check_one(
    current: CurrentModel, *, profile: Profile, scholarship_id: str
) -> EligibilityResult:
    """Check one award. Raises NotFound for an id that no public award has."""
    [result] = await check_each(current, profile=profile, scholarship_ids=[scholarship_id])
    if not result.found:
        raise NotFound("There is no scholarship with this id.")
    return result


async def check_each(
    current: CurrentModel, *, profile: Profile, scholarship_ids: Sequence[str]
) -> list[EligibilityResult]:
    """Check each id, in the same order; `found` is false if no public award has the id."""
    now = utc_now()
    with deadline(REQUEST_SECONDS):
        awards = await read_details(current.fetch, scholarship_ids)
    return [
        assess_award(awards[scholarship_id], profile, now=now)
        if scholarship_id in awards
        else _not_found(scholarship_id)
        for scholarship_id in scholarship_ids
    ]


async def check(current: CurrentModel, request: CheckRequest) -> CheckPage:
    """Check `request.scholarship_ids`, or else all published awards, best first."""
    started = time.perf_counter()
    if request.scholarship_ids is None:
        results, checked, eligible = await _check_catalogue(current, request)
        has_next = request.offset + request.page_size < checked
    else:
        end = request.offset + request.page_size
        all_results = await check_each(
            current, profile=request, scholarship_ids=request.scholarship_ids
        )
        checked = sum(result.found for result in all_results)
        eligible = sum(result.eligible for result in all_results)
        results, has_next = all_results[request.offset : end], end < len(all_results)
    return CheckPage(
        eligible_count=eligible,
        results=[CheckResult.of(result) for result in results],
        checked_scholarships=checked,
        user_profile=request.sent(),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        page=request.offset // request.page_size + 1,
        page_size=request.page_size,
        has_next=has_next,
        has_previous=request.offset > 0,
    )


async def _check_catalogue(
    current: CurrentModel, request: CheckRequest
) -> tuple[list[EligibilityResult], int, int]:
    """A page of results, the number of awards checked, and of those that are eligible."""
    version = await current.version()
    answers = request.known()

    def choose(model: ReadModel) -> tuple[list[int], tuple[int, int]]:
        within = model.all() if request.include_closed else model.open(version.at)
        matches = model.match(answers, within=within)
        page = model.page(
            best_first(matches, Verdict), limit=request.page_size, offset=request.offset
        )
        return page, (len(within), len(matches.by_verdict[Verdict.ELIGIBLE]))

    (checked, eligible), awards = await current.read(version, choose, details_of(current))
    results = [assess_award(award, request, now=version.at) for award in awards]
    return results, checked, eligible


def best_first(matches: Matches, verdicts: Iterable[Verdict]) -> Iterator[BitMap]:
    """Groups of equal awards, by verdict and score."""
    for verdict in verdicts:
        for _, awards in matches.by_score(verdict):
            yield awards


def details_of(current: CurrentModel) -> ReadRows[AwardDetails]:
    """Reads the awards of a page."""

    async def read(wanted: Mapping[str, int]) -> Mapping[str, tuple[int, AwardDetails]]:
        found = await read_details(current.fetch, list(wanted))
        return {
            award_id: (details.record.row_version, details)
            for award_id, details in found.items()
            if details.status == Status.PUBLISHED
        }

    return read


def assess_award(award: AwardDetails, profile: Profile, *, now: dt.datetime) -> EligibilityResult:
    """Assess an award for the profile at `now`.

    If the award is closed, `availability` and the first reason say so. The verdict is about the
    student, and would be the same in the next round.
    """
    assessment = nearest(award.record.eligibility_sets, profile.known())
    availability = catalogue.availability(
        status=award.status,
        deadline_kind=award.deadline_kind,
        recurs=award.recurs,
        application_deadline=award.application_deadline,
        opens_at=award.opens_at,
        now=now,
    )
    return EligibilityResult(
        scholarship_id=award.record.id,
        found=True,
        eligible=assessment.verdict is Verdict.ELIGIBLE,
        verdict=assessment.verdict,
        match_score=assessment.score / MAX_SCORE,
        availability=availability,
        reasons=[*_closed(award, availability), *assessment.reasons],
        criteria=[_outcome(finding) for finding in assessment.findings],
    )


def _not_found(scholarship_id: str) -> EligibilityResult:
    return EligibilityResult(
        scholarship_id=scholarship_id,
        found=False,
        eligible=False,
        verdict=None,
        match_score=0,
        availability=None,
        reasons=["There is no scholarship with this id."],
        criteria=[],
    )


def _closed(award: AwardDetails, availability: Availability) -> list[str]:
    if award.status == Status.ARCHIVED:
        return ["Closed: this award is no longer offered."]
    if availability is Availability.CLOSED:
        return [f"Closed: the deadline was {award.deadline_date}."]
    if availability is Availability.UPCOMING and award.opens_at is not None:
        return [f"Not yet open: applications are taken from {award.opens_at:%Y-%m-%d} on."]
    if availability is Availability.UPCOMING:
        return [
            f"Closed: the deadline was {award.deadline_date}; the next round is to be announced."
        ]
    return []


def _outcome(finding: Finding) -> CriterionOutcome:
    return CriterionOutcome(
        criterion=finding.alternative.field,
        outcome=finding.outcome,
        required=_wire(finding.required),
        actual=_wire(finding.actual),
        reason=finding.reason,
    )


def _wire(value: Any) -> Any:  # noqa: ANN401
    return float(value) if isinstance(value, Decimal) else value
