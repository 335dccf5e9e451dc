"""The index, and the probes for the OpenAPI document.

`ProbeMiddleware` answers the probes before a request reaches any route. The routes here give the
same answers, and document them.
"""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from scholarship_api import __version__
from scholarship_api.errors import (
    DatabaseUnavailable,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
    document,
)
from scholarship_api.health import paths
from scholarship_api.health.middleware import answer_probe
from scholarship_api.health.schemas import Index, Liveness, Readiness, ServiceHealth
from scholarship_api.health.service import HealthService
from scholarship_api.platform.http.path_prefix import prefix_of
from scholarship_api.settings.settings import Settings

NAME = "Scholarship Discovery & Search API"

router = APIRouter(tags=["health"])


async def _health(request: Request) -> HealthService:
    return cast("HealthService", request.app.state.health)


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


Health = Annotated[HealthService, Depends(_health)]


@router.get(paths.INDEX, summary="Name, version and links")
async def index(request: Request, settings: Annotated[Settings, Depends(_settings)]) -> Index:
    links = {
        "search": "/api/v1/search",
        "scholarships": "/api/v1/scholarships",
        "liveness": paths.LIVENESS,
        "readiness": paths.READINESS,
    }
    if settings.enable_docs:
        links |= {"docs": "/docs", "redoc": "/redoc", "openapi": "/openapi.json"}
    prefix = prefix_of(request.scope)
    links = {name: f"{prefix}{path}" for name, path in links.items()}
    return Index(name=NAME, version=__version__, environment=settings.environment, links=links)


for alias in paths.INDEX_ALIASES:
    router.get(alias, include_in_schema=False)(index)


@router.get(paths.LIVENESS, response_model=Liveness, summary="Can this process serve?")
@router.get(paths.LIVENESS_ALIAS, response_model=Liveness, include_in_schema=False)
async def liveness(health: Health, request: Request) -> Response:
    """Checks no dependency. HEAD works too."""
    return await answer_probe(health, request.scope)


@router.get(
    paths.READINESS,
    response_model=Readiness,
    responses=document(ServiceUnavailable),
    summary="Should this process get requests?",
)
@router.get(
    paths.READINESS_ALIAS,
    response_model=Readiness,
    responses=document(ServiceUnavailable),
    operation_id="readiness_by_former_path",
    summary="The former address of /readyz",
)
async def readiness(health: Health, request: Request) -> Response:
    """503 with `details.services` while a required dependency is down, while migrations are
    missing, and from the start of a shutdown on. Results are up to a second old."""
    return await answer_probe(health, request.scope)


@router.get(
    paths.DATABASE,
    response_model=ServiceHealth,
    response_model_exclude_none=True,
    responses=document(DatabaseUnavailable),
    summary="Does the database answer?",
)
async def database(health: Health, request: Request) -> Response:
    return await answer_probe(health, request.scope)


@router.get(
    paths.METRICS,
    response_class=Response,
    responses=document(Unauthorized, NotFound),
    summary="Prometheus metrics, with METRICS_TOKEN as bearer token",
)
async def metrics(health: Health, request: Request) -> Response:
    """Without METRICS_TOKEN this route exists in development only."""
    return await answer_probe(health, request.scope)
