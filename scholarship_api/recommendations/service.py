"""Recommends the open awards that suit a profile best, with the reasons."""

import datetime as dt
import time

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.read_model.details import AwardDetails
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.rule import nearest
from scholarship_api.eligibility import service as eligibility
from scholarship_api.eligibility.schemas import Profile
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
    answers = request.user_profile.known()

    def choose(model: ReadModel) -> tuple[list[int], None]:
        groups = ranking.best_first(
            model, answers, now=version.at, include_ineligible=request.include_ineligible
        )
        return model.page(groups, limit=request.limit), None

    _, awards = await current.read(version, choose, eligibility.details_of(current))
    return Recommendations(
        recommendations=[
            _recommendation(award, request.user_profile, now=version.at) for award in awards
        ],
        recommendation_metadata=RecommendationMetadata(
            total_recommendations=len(awards),
            request_limit=request.limit,
            include_ineligible=request.include_ineligible,
        ),
        user_profile=request.user_profile.sent(),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def _recommendation(award: AwardDetails, profile: Profile, *, now: dt.datetime) -> Recommendation:
    answers = profile.known()
    days_left = catalogue.days_left(
        application_deadline=award.application_deadline,
        deadline_timezone=award.record.time_zone,
        now=now,
    )
    fields = {
        field for each in award.record.eligibility_sets for field in each.get("fields_of_study", ())
    }
    parts = rules.parts(
        {
            "fields_of_study": fields,
            "amount": award.amount,
            "currency": award.currency,
            "scholarship_type": award.record.scholarship_type,
        },
        answers,
        match_score=nearest(award.record.eligibility_sets, answers).score,
        days_left=days_left,
    )
    return Recommendation(
        scholarship=summary_of(award, now=now),
        eligibility=eligibility.assess_award(award, profile, now=now),
        recommendation_score=rules.total(parts) / rules.MAX_SCORE,
        score_parts=[
            ScorePart(name=part.name, points=part.points / rules.MAX_SCORE, reason=part.reason)
            for part in parts
        ],
    )
