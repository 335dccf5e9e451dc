"""Answers of the probes and the index."""

from typing import Literal

import pydantic

ServiceName = Literal["database", "rate_limiter", "migrations", "read_replicas", "outbound"]


class ServiceHealth(pydantic.BaseModel):
    """The state of one dependency."""

    status: Literal["up", "down", "degraded", "not_configured", "disabled", "in_memory"] = (
        pydantic.Field(description="`degraded`: down, but this deployment serves without it.")
    )
    latency_ms: float
    reason: str | None = pydantic.Field(
        default=None, description="A fixed word such as timeout, refused, behind; when not up."
    )


class Liveness(pydantic.BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(pydantic.BaseModel):
    status: Literal["ok", "degraded"]
    services: dict[ServiceName, ServiceHealth]


class Index(pydantic.BaseModel):
    """The service and the addresses to start from."""

    status: Literal["active"] = "active"
    name: str
    version: str
    environment: str
    links: dict[str, str]
