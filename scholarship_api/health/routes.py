"""The index, and the probes as OpenAPI shows them; `ProbeMiddleware` answers the probes."""

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
from scholarship_api.health.middleware import answer_probe
from scholarship_api.health.schemas import Index, Liveness, Readiness, ServiceHealth
from scholarship_api.health.service import HealthService
from scholarship_api.settings.settings import Settings

NAME = "Scholarship Discovery & Search API"

router = APIRouter(tags=["health"])


async def _health(request: Request) -> HealthService:
    return cast("HealthService", request.app.state.health)


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


Health = Annotated[HealthService, Depends(_health)]


@router.get("/", summary="What this is, and where to go on")
@router.get("/api", include_in_schema=False)
@router.get("/status", include_in_schema=False)
async def index(settings: Annotated[Settings, Depends(_settings)]) -> Index:
    links = {
        "search": "/api/v1/search",
        "scholarships": "/api/v1/scholarships",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    if settings.enable_docs:
        links |= {"docs": "/docs", "redoc": "/redoc", "openapi": "/openapi.json"}
    return Index(name=NAME, version=__version__, environment=settings.environment, links=links)


async def _answer(health: HealthService, request: Request) -> Response:
    return cast("Response", await answer_probe(health, request.scope))


@router.get("/healthz", response_model=Liveness, summary="Can this process serve?")
@router.get("/health", response_model=Liveness, include_in_schema=False)
async def liveness(health: Health, request: Request) -> Response:
    """Asks nothing of any dependency. HEAD works too."""
    return await _answer(health, request)


@router.get(
    "/readyz",
    response_model=Readiness,
    responses=document(ServiceUnavailable),
    summary="Should this process get requests?",
)
@router.get("/health/services", response_model=Readiness, responses=document(ServiceUnavailable))
async def readiness(health: Health, request: Request) -> Response:
    """503 with `details.services` while a required dependency is down, while migrations are
    missing, and from the beginning of a shutdown on. Results are up to a second old."""
    return await _answer(health, request)


@router.get(
    "/health/database",
    response_model=ServiceHealth,
    response_model_exclude_none=True,
    responses=document(DatabaseUnavailable),
    summary="Does the database answer?",
)
async def database(health: Health, request: Request) -> Response:
    return await _answer(health, request)


@router.get(
    "/metrics",
    response_class=Response,
    responses=document(Unauthorized, NotFound),
    summary="Prometheus metrics, with METRICS_TOKEN as bearer token",
)
async def metrics(health: Health, request: Request) -> Response:
    """Without METRICS_TOKEN they exist in development only."""
    return await _answer(health, request)
