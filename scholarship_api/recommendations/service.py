"""Recommends the open awards that suit a profile best, with the reasons."""

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

from scholarship_api.catalogue import service as catalogue
from scholarship_api.eligibility import service as eligibility
from scholarship_api.eligibility.rules import assess
from scholarship_api.eligibility.schemas import Profile
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.recommendations import queries, rules
from scholarship_api.recommendations.schemas import (
    Recommendation,
    RecommendationMetadata,
    RecommendationRequest,
    Recommendations,
    ScorePart,
)
from scholarship_api.search.sql.summaries import summary_of


async def recommend(
    session: ReadSession, request: RecommendationRequest, *, now: dt.datetime
) -> Recommendations:
    started = time.perf_counter()
    awards = await queries.best(
        session,
        request.user_profile.known(),
        include_ineligible=request.include_ineligible,
        now=now,
        limit=request.limit,
    )
    return Recommendations(
        recommendations=[_recommendation(award, request.user_profile, now=now) for award in awards],
        recommendation_metadata=RecommendationMetadata(
            total_recommendations=len(awards),
            request_limit=request.limit,
            include_ineligible=request.include_ineligible,
        ),
        user_profile=request.user_profile.sent(),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def _recommendation(
    award: Mapping[str, Any], profile: Profile, *, now: dt.datetime
) -> Recommendation:
    known = profile.known()
    parts = rules.parts(
        award,
        known,
        match_score=assess(award, known).score,
        days_left=catalogue.days_left(
            application_deadline=award["application_deadline"],
            deadline_timezone=award["deadline_timezone"],
            now=now,
        ),
    )
    return Recommendation(
        scholarship=summary_of(dict(award), now=now),
        eligibility=eligibility.assess_award(award, profile, now=now),
        recommendation_score=rules.total(parts) / rules.MAX_SCORE,
        score_parts=[
            ScorePart(name=part.name, points=part.points / rules.MAX_SCORE, reason=part.reason)
            for part in parts
        ],
    )
