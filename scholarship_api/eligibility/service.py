"""Checks a profile against one award, several, or the whole catalogue."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from scholarship_api.catalogue import service as catalogue
from scholarship_api.eligibility import queries
from scholarship_api.eligibility.rules import MAX_SCORE, Finding, Verdict, assess
from scholarship_api.eligibility.schemas import (
    CheckPage,
    CheckRequest,
    CheckResult,
    CriterionOutcome,
    EligibilityResult,
    Profile,
)
from scholarship_api.errors import NotFound
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.vocabulary import Availability, Status

Award = Mapping[str, Any]
"""The values of queries.COLUMNS, by name."""

# For other features, which rank the catalogue themselves.
AWARD_COLUMNS: Final = queries.COLUMNS
match_score: Final = queries.score
is_ineligible: Final = queries.is_ineligible


async def check_one(
    session: ReadSession, *, profile: Profile, scholarship_id: str, now: dt.datetime
) -> EligibilityResult:
    """Check one award. Raises NotFound for an id that no public award has."""
    results = await check_each(session, profile=profile, scholarship_ids=[scholarship_id], now=now)
    if not results[0].found:
        raise NotFound("There is no scholarship with this id.")
    return results[0]


async def check_each(
    session: ReadSession, *, profile: Profile, scholarship_ids: Sequence[str], now: dt.datetime
) -> list[EligibilityResult]:
    """Check each id, in the same order; `found` is false if no public award has the id."""
    awards = await queries.by_ids(session, scholarship_ids)
    return [
        assess_award(awards[scholarship_id], profile, now=now)
        if scholarship_id in awards
        else _not_found(scholarship_id)
        for scholarship_id in scholarship_ids
    ]


async def check(session: ReadSession, request: CheckRequest, *, now: dt.datetime) -> CheckPage:
    """Check `request.scholarship_ids`, or else all published awards, best first."""
    started = time.perf_counter()
    end = request.offset + request.page_size
    if request.scholarship_ids is not None:
        all_results = await check_each(
            session, profile=request, scholarship_ids=request.scholarship_ids, now=now
        )
        checked = sum(result.found for result in all_results)
        eligible = sum(result.eligible for result in all_results)
        results, has_next = all_results[request.offset : end], end < len(all_results)
    else:
        profile = request.known()
        closing_after = None if request.include_closed else now
        awards = await queries.ranked(
            session,
            profile,
            closing_after=closing_after,
            limit=request.page_size,
            offset=request.offset,
        )
        checked, eligible = await queries.count(session, profile, closing_after=closing_after)
        results = [assess_award(award, request, now=now) for award in awards]
        has_next = end < checked
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


def assess_award(award: Award, profile: Profile, *, now: dt.datetime) -> EligibilityResult:
    """Assess an award for the profile at `now`.

    If the award is closed, `availability` and the first reason say so. The verdict is about the
    student, and would be the same in the next round.
    """
    assessment = assess(award, profile.known())
    availability = catalogue.availability(
        status=award["status"],
        deadline_kind=award["deadline_kind"],
        recurs=award["recurs"],
        application_deadline=award["application_deadline"],
        now=now,
    )
    return EligibilityResult(
        scholarship_id=award["id"],
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


def _closed(award: Award, availability: Availability) -> list[str]:
    if award["status"] == Status.ARCHIVED:
        return ["Closed: this award is no longer offered."]
    if availability is Availability.CLOSED:
        return [f"Closed: the deadline was {award['deadline_date']}."]
    if availability is Availability.UPCOMING:
        return [
            f"Closed: the deadline was {award['deadline_date']}; the next round is to be announced."
        ]
    return []


def _outcome(finding: Finding) -> CriterionOutcome:
    return CriterionOutcome(
        criterion=finding.criterion.column,
        outcome=finding.outcome,
        required=_wire(finding.required),
        actual=_wire(finding.actual),
        reason=finding.reason,
    )


def _wire(value: Any) -> Any:  # noqa: ANN401
    return float(value) if isinstance(value, Decimal) else value
