"""Recommends the open awards that suit a profile best."""

from fastapi import APIRouter, Depends, Response

from scholarship_api.catalogue.read_model.current import Model
from scholarship_api.errors import (
    BadRequest,
    DatabaseUnavailable,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.recommendations import service
from scholarship_api.recommendations.schemas import RecommendationRequest, Recommendations

router = APIRouter(
    prefix="/api/v1/scholarships",
    tags=["recommendations"],
    responses=document(
        BadRequest,
        UnsupportedMediaType,
        ValidationFailed,
        RateLimited,
        DatabaseUnavailable,
        ServiceUnavailable,
    ),
)


@router.post(
    "/recommendations",
    response_model=Recommendations,
    summary="The open awards that suit a profile best, with the reasons",
    dependencies=[Depends(require_json)],
)
async def recommend(current: Model, request: RecommendationRequest) -> Response:
    answer = await service.recommend(current, request)
    return Response(
        answer.model_dump_json(exclude_unset=True),
        # The answer contains what a student said about themselves: no cache may keep it.
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
