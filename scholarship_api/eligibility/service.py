"""Checks a profile against one award, several, or the whole catalogue."""

import datetime as dt
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pyroaring import BitMap

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.read_model.ages import EPOCH
from scholarship_api.catalogue.read_model.answers import Answers, on_day
from scholarship_api.catalogue.read_model.current import CurrentModel, ReadRows
from scholarship_api.catalogue.read_model.details import AwardDetails, read_details
from scholarship_api.catalogue.read_model.matching import Matches
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.questions import best_questions
from scholarship_api.catalogue.read_model.rule import (
    MAX_SCORE,
    AwardAssessment,
    Finding,
    Judge,
    Verdict,
)
from scholarship_api.catalogue.versions import utc_now
from scholarship_api.eligibility.profiles import OpenAnswers
from scholarship_api.eligibility.schemas import (
    BulkEligibilityRequest,
    CheckPage,
    CheckQuery,
    CheckRequest,
    CheckResult,
    CriterionOutcome,
    EligibilityRequest,
    EligibilityResult,
    PreferenceOutcome,
    Question,
    Questions,
    QuestionsRequest,
    SetOutcome,
)
from scholarship_api.errors import NotFound
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import REQUEST_SECONDS
from scholarship_api.vocabulary import Availability, Status


@dataclass(frozen=True, slots=True)
class Student:
    """A profile as the awards of one request are judged for it."""

    answers: Answers
    unchecked: Collection[str]
    """Fields of awards that nobody is matched on."""
    now: dt.datetime
    explain: bool = False
    _judges: dict[int | None, Judge] = field(default_factory=dict, init=False, repr=False)
    """By the student's age."""

    def judge(self, award: AwardDetails) -> AwardAssessment:
        closing_day = award.record.closing_day
        day = self.now.date() if closing_day is None else EPOCH + dt.timedelta(days=closing_day)
        answers = on_day(self.answers, day)
        age = answers.get("age")
        judge = self._judges.get(age)
        if judge is None:
            self._judges[age] = judge = Judge(answers, unchecked=self.unchecked)
        return judge.award(award.record.conditions)


async def check_one(current: CurrentModel, request: EligibilityRequest) -> EligibilityResult:
    """Check one award. Raises NotFound for an id that no public award has."""
    student = _student(current, request.user_profile, now=utc_now(), explain=request.explain)
    [result] = await _check_each(current, student, [request.scholarship_id])
    if not result.found:
        raise NotFound("There is no scholarship with this id.")
    return result


async def check_each(
    current: CurrentModel, request: BulkEligibilityRequest
) -> list[EligibilityResult]:
    """Check each id, in the same order; `found` is false if no public award has the id."""
    student = _student(current, request.user_profile, now=utc_now(), explain=request.explain)
    return await _check_each(current, student, request.scholarship_ids)


async def _check_each(
    current: CurrentModel, student: Student, scholarship_ids: Sequence[str]
) -> list[EligibilityResult]:
    with deadline(REQUEST_SECONDS):
        awards = await read_details(current.fetch, scholarship_ids)
    return [
        result_of(awards[scholarship_id], student)
        if scholarship_id in awards
        else _not_found(scholarship_id)
        for scholarship_id in scholarship_ids
    ]


def _student(
    current: CurrentModel, profile: OpenAnswers, *, now: dt.datetime, explain: bool = False
) -> Student:
    return Student(profile.answers(), current.unchecked, now, explain)


async def check(current: CurrentModel, request: CheckQuery | CheckRequest) -> CheckPage:
    """Check `request.scholarship_ids`, or else all published awards, best first."""
    started = time.perf_counter()
    if request.scholarship_ids is None:
        results, checked, eligible = await _check_catalogue(current, request)
        has_next = request.offset + request.page_size < checked
    else:
        end = request.offset + request.page_size
        student = _student(current, request, now=utc_now(), explain=request.explain)
        all_results = await _check_each(current, student, request.scholarship_ids)
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


async def ask(current: CurrentModel, request: QuestionsRequest) -> Questions:
    """The missing answers that would settle most of the open awards."""
    model, version = await current.newest()
    matches = model.match(request.profile.answers(), within=model.open(version.at), now=version.at)
    return Questions(
        questions=[
            Question(
                field=each.field,
                question=each.question,
                awards_decided=each.awards,
                amount_at_stake=each.hundredths / 100,
            )
            for each in best_questions(matches, model.amounts_of, limit=request.limit)
        ],
        awards_undecided=len(matches.by_verdict[Verdict.NEEDS_INFORMATION]),
    )


async def _check_catalogue(
    current: CurrentModel, request: CheckQuery | CheckRequest
) -> tuple[list[EligibilityResult], int, int]:
    """A page of results, the number of awards checked, and of those that are eligible."""
    version = await current.version()
    student = _student(current, request, now=version.at, explain=request.explain)

    def choose(model: ReadModel) -> tuple[list[int], tuple[int, int]]:
        within = model.all() if request.include_closed else model.open(version.at)
        matches = model.match(student.answers, within=within, now=version.at)
        page = model.page(
            best_first(matches, Verdict), limit=request.page_size, offset=request.offset
        )
        return page, (len(within), len(matches.by_verdict[Verdict.ELIGIBLE]))

    (checked, eligible), awards = await current.read(version, choose, details_of(current))
    results = [result_of(award, student) for award in awards]
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


def result_of(award: AwardDetails, student: Student) -> EligibilityResult:
    """How an award suits a student.

    If the award is closed, `availability` and the first reason say so. The verdict is about the
    student, and would be the same in the next round.
    """
    judged = student.judge(award)
    availability = catalogue.availability(
        status=award.status,
        deadline_kind=award.deadline_kind,
        recurs=award.recurs,
        application_deadline=award.application_deadline,
        opens_at=award.opens_at,
        now=student.now,
    )
    return EligibilityResult(
        scholarship_id=award.record.id,
        found=True,
        eligible=judged.verdict is Verdict.ELIGIBLE,
        verdict=judged.verdict,
        match_score=judged.score / MAX_SCORE,
        availability=availability,
        reasons=[*_closed(award, availability), *judged.reasons],
        criteria=[_outcome(finding) for finding in judged.nearest.findings],
        to_confirm=judged.to_confirm(award.record.other_requirements),
        missing=judged.nearest.missing,
        nearest_set=judged.nearest_index,
        preferences=[
            PreferenceOutcome(text=text, weight=preference.weight, met=is_met)
            for text, preference, is_met in zip(
                [each.get("text") for each in award.record.preferences],
                judged.conditions.preferences,
                judged.preferences,
                strict=True,
            )
        ],
        sets=_sets(judged) if student.explain else None,
    )


def _sets(judged: AwardAssessment) -> list[SetOutcome]:
    return [
        SetOutcome(
            index=index,
            verdict=each.verdict,
            score=each.score / MAX_SCORE,
            criteria=[_outcome(finding) for finding in each.findings],
        )
        for index, each in enumerate(judged.sets)
    ]


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
