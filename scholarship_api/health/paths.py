"""The paths of the probes and of the index, once for whatever serves, exempts or calls them."""

from typing import Final

LIVENESS: Final = "/healthz"
LIVENESS_ALIAS: Final = "/health"
READINESS: Final = "/readyz"
READINESS_ALIAS: Final = "/health/services"
DATABASE: Final = "/health/database"
METRICS: Final = "/metrics"

PROBE_PATHS: Final = frozenset(
    {LIVENESS, LIVENESS_ALIAS, READINESS, READINESS_ALIAS, DATABASE, METRICS}
)
"""Answered before the Host check and the rate limits, and however busy the worker is."""

INDEX: Final = "/"
INDEX_ALIASES: Final = ("/api", "/status")
