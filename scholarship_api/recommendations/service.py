"""Recommends the open awards that suit a profile best, with the reasons."""

import time

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.read_model.details import AwardDetails
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.rule import MAX_SCORE
from scholarship_api.eligibility import service as eligibility
from scholarship_api.eligibility.service import Student
from scholarship_api.recommendations import ranking, rules
from scholarship_api.recommendations.schemas import (
    Recommendation,
    RecommendationMetadata,
    RecommendationRequest,
    Recommendations,
    ScorePart,
)
from scholarship_api.search.summary import summary_of


async def recommend(current: CurrentModel, request: RecommendationRequest) -> Recommendations:
    started = time.perf_counter()
    version = await current.version()
    student = eligibility.Student(
        request.user_profile.answers(), current.unchecked, version.at, explain=request.explain
    )

    def choose(model: ReadModel) -> tuple[list[int], None]:
        groups = ranking.best_first(
            model, student.answers, now=version.at, include_ineligible=request.include_ineligible
        )
        return model.page(groups, limit=request.limit), None

    _, awards = await current.read(version, choose, eligibility.details_of(current))
    return Recommendations(
        recommendations=[_recommendation(award, student) for award in awards],
        recommendation_metadata=RecommendationMetadata(
            total_recommendations=len(awards),
            request_limit=request.limit,
            include_ineligible=request.include_ineligible,
        ),
        user_profile=request.user_profile.sent(),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def _recommendation(award: AwardDetails, student: Student) -> Recommendation:
    result = eligibility.result_of(award, student)
    days_left = catalogue.days_left(
        application_deadline=award.application_deadline,
        deadline_timezone=award.record.time_zone,
        now=student.now,
    )
    sets = award.record.conditions.sets
    fields = {field for each in sets for field in each.get("fields_of_study", ())}
    parts = rules.parts(
        {
            "fields_of_study": fields,
            "amount": award.amount,
            "currency": award.currency,
            "scholarship_type": award.record.scholarship_type,
        },
        student.answers,
        match_score=round(result.match_score * MAX_SCORE),
        days_left=days_left,
    )
    return Recommendation(
        scholarship=summary_of(award, now=student.now),
        eligibility=result,
        recommendation_score=rules.total(parts) / rules.MAX_SCORE,
        score_parts=[
            ScorePart(name=part.name, points=part.points / rules.MAX_SCORE, reason=part.reason)
            for part in parts
        ],
    )
