"""`create_app`: wiring and lifespan, nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api import __version__, api_document
from scholarship_api.accounts import routes as accounts_routes
from scholarship_api.accounts.authentication import Authentication, AuthenticationMiddleware
from scholarship_api.accounts.credentials import Authenticator, SessionAuthenticator
from scholarship_api.accounts.token_check import TokenCheckMiddleware
from scholarship_api.activity import cursors as activity_cursors
from scholarship_api.activity import retention
from scholarship_api.activity import routes as activity_routes
from scholarship_api.api_keys import cursors as api_key_cursors
from scholarship_api.api_keys import retention as api_key_retention
from scholarship_api.api_keys import routes as api_keys_routes
from scholarship_api.api_keys.authenticator import KeyAuthenticator
from scholarship_api.api_keys.usage import UsageRecorder
from scholarship_api.applications import routes as applications_routes
from scholarship_api.audit import cursors as audit_cursors
from scholarship_api.audit import retention as audit_retention
from scholarship_api.audit import routes as audit_routes
from scholarship_api.catalogue import routes as catalogue_routes
from scholarship_api.changes import cursors as changes_cursors
from scholarship_api.changes import retention as changes_retention
from scholarship_api.changes import routes as changes_routes
from scholarship_api.eligibility import routes as eligibility_routes
from scholarship_api.errors import (
    MIDDLEWARE_ERRORS,
    DatabaseUnavailable,
    document,
    install_handlers,
)
from scholarship_api.exchange import routes as import_routes
from scholarship_api.exchange.common_grants import routes as common_grants_routes
from scholarship_api.exchange.common_grants.error_fields import CommonGrantsErrorsMiddleware
from scholarship_api.exchange.duplicates import routes as duplicates_routes
from scholarship_api.exchange.export import routes as export_routes
from scholarship_api.feeds import routes as feeds_routes
from scholarship_api.health import routes as health_routes
from scholarship_api.health.middleware import ProbeMiddleware
from scholarship_api.health.paths import PROBE_PATHS
from scholarship_api.health.service import HealthService
from scholarship_api.mail import routes as mail_routes
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.http.cors import CorsMiddleware
from scholarship_api.platform.http.docs import docs_router
from scholarship_api.platform.http.errors import ErrorsMiddleware, last_resort_response
from scholarship_api.platform.http.hosts import HostsMiddleware
from scholarship_api.platform.http.methods import MethodsMiddleware
from scholarship_api.platform.http.path_prefix import PathPrefixMiddleware
from scholarship_api.platform.http.rate_limiting import RateLimitMiddleware, RateLimits
from scholarship_api.platform.http.request_context import RequestContext, RequestContextMiddleware
from scholarship_api.platform.http.security_headers import SecurityHeadersMiddleware
from scholarship_api.platform.http.size_limits import SizeLimitsMiddleware
from scholarship_api.platform.observability import logging, metrics, sentry, tracing
from scholarship_api.platform.observability.access_log import AccessLog
from scholarship_api.platform.observability.tracing import TracingMiddleware
from scholarship_api.platform.rate_limiting.groups import RateLimitGroup, RateLimitGroups
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.platform.shutdown import TaskRegistry
from scholarship_api.platform.signed_tokens import token_signer
from scholarship_api.profiles import routes as profiles_routes
from scholarship_api.recommendations import routes as recommendations_routes
from scholarship_api.saved_searches import routes as saved_searches_routes
from scholarship_api.search import routes as search_routes
from scholarship_api.search.parts import search_parts
from scholarship_api.search.responses.fast_path import (
    CachedResponseMiddleware,
    DirectCallMiddleware,
    FastPath,
)
from scholarship_api.search_rules import routes as search_rules_routes
from scholarship_api.settings.settings import (
    SettingError,
    Settings,
    SettingsError,
    load_settings,
)
from scholarship_api.subjects import cursors as subject_cursors
from scholarship_api.subjects import retention as subject_retention
from scholarship_api.subjects import routes as subjects_routes
from scholarship_api.vocabularies import routes as vocabularies_routes
from scholarship_api.webhooks import cursors as webhooks_cursors
from scholarship_api.webhooks import routes as webhooks_routes

if TYPE_CHECKING:
    from scholarship_api.identity_providers.authenticator import ProviderAuthenticator

SEARCH_ROUTERS = (search_routes.router, search_routes.root_router)
ROUTERS = (
    health_routes.router,
    accounts_routes.router,
    *SEARCH_ROUTERS,
    eligibility_routes.router,
    eligibility_routes.root_router,
    recommendations_routes.router,
    import_routes.router,
    export_routes.router,
    audit_routes.router,
    feeds_routes.public_router,
    catalogue_routes.router,
    changes_routes.router,
    webhooks_routes.router,
    mail_routes.router,
    activity_routes.router,
    *profiles_routes.ROUTERS,
    *saved_searches_routes.ROUTERS,
    *applications_routes.ROUTERS,
    *feeds_routes.ROUTERS,
    subjects_routes.router,
    vocabularies_routes.router,
    api_keys_routes.router,
    common_grants_routes.router,
    duplicates_routes.router,
    search_rules_routes.router,
)
"""In the order of the OpenAPI document. A `root_router` has the former addresses of a feature."""

MODEL_SHARE_OF_TIMEOUT: Final = 0.8
"""The share of TIMEOUT that may pass until the read model is loaded; see `_load_read_model`."""

_log = structlog.stdlib.get_logger(__name__)


class _Api(FastAPI):
    """Puts one middleware outside Starlette's own, which take 15 us of CPU per request."""

    def __init__(self, outermost: Callable[[ASGIApp], ASGIApp], **options: Any) -> None:  # noqa: ANN401 - FastAPI's
        super().__init__(**options)
        self._outermost = outermost(super().__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._outermost(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = api_document.with_plain_names(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application.

    With None it is the process's own: its settings are loaded, which raises `SettingsError`, and
    its logs are configured.
    """
    if settings is None:
        settings = load_settings()
        logging.configure(settings)
    sentry.configure(settings)
    tracing.configure(settings)
    database = Database(settings)
    limiter = RateLimiter(settings)
    authentication = Authentication(settings, limiter)
    parts = search_parts(settings, database)
    recorder, read_model, answers = parts.recorder, parts.read_model, parts.answers
    health = HealthService(
        settings=settings,
        database=database,
        limiter=limiter,
        catalogue_is_loaded=lambda: read_model.is_loaded,
    )
    fast_path = FastPath()
    context = RequestContext(
        trusted_proxies=settings.trusted_proxy_ips,
        access_log=AccessLog(
            observers=[metrics.observe_request],
            quiet_routes=frozenset() if settings.access_log_probes else PROBE_PATHS,
        ),
    )
    limits = RateLimits(rate_limit_groups(settings), limiter)
    usage = UsageRecorder(database)
    providers = _identity_providers(settings, database=database, limits=limits)
    app = _Api(
        lambda app: _published(
            CachedResponseMiddleware(
                app, fast_path=fast_path, answers=answers, context=context, limits=limits
            ),
            settings,
        ),
        title=health_routes.NAME,
        description=api_document.DESCRIPTION,
        openapi_tags=api_document.TAGS,
        generate_unique_id_function=api_document.operation_id,
        version=__version__,
        lifespan=_lifespan,
        responses=document(*MIDDLEWARE_ERRORS),
        middleware=_middleware(
            settings,
            context=context,
            limits=limits,
            health=health,
            authenticators=[
                KeyAuthenticator(database, limits, usage),
                *([] if providers is None else [providers]),
                SessionAuthenticator(authentication.tokens, is_open=settings.local_login_enabled),
            ],
            database=database,
            fast_path=fast_path,
        ),
        # Served by docs_router; a redirect would repeat the Host that was sent; the spans are ours.
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.always_answered_paths = PROBE_PATHS
    app.state.database = database
    app.state.limiter = limiter
    app.state.authentication = authentication
    app.state.health = health
    app.state.search_recorder = recorder
    app.state.rate_limits = limits
    app.state.usage_recorder = usage
    app.state.identity_providers = providers
    app.state.api_keys_cursor_codec = api_key_cursors.CursorCodec(
        token_signer(settings, purpose=api_key_cursors.PURPOSE)
    )
    app.state.audit_cursor_codec = audit_cursors.CursorCodec(
        token_signer(settings, purpose=audit_cursors.PURPOSE)
    )
    app.state.changes_cursor_codec = changes_cursors.CursorCodec(
        token_signer(settings, purpose=changes_cursors.PURPOSE)
    )
    app.state.deliveries_cursor_codec = webhooks_cursors.CursorCodec(
        token_signer(settings, purpose=webhooks_cursors.PURPOSE)
    )
    app.state.read_model = read_model
    app.state.answers = answers
    app.state.fast_path = fast_path
    app.state.export_slots = export_routes.ExportSlots()
    app.state.cursor_codec = parts.cursor_codec
    app.state.search_ids = parts.search_ids
    app.state.interactions_cursor_codec = activity_cursors.CursorCodec(
        token_signer(settings, purpose=activity_cursors.PURPOSE)
    )
    app.state.subject_cursor_codec = subject_cursors.CursorCodec(
        token_signer(settings, purpose=subject_cursors.PURPOSE)
    )
    install_handlers(app)
    app.add_exception_handler(Exception, last_resort_response)
    for router in ROUTERS:
        app.include_router(router)
    if settings.mcp_enabled:
        _add_mcp(app)
    if settings.enable_docs:
        app.include_router(docs_router(app, public_base_url=settings.public_base_url))
    return app


def _add_mcp(app: FastAPI) -> None:
    """Serve the MCP tools. Raises SettingsError when their package is not installed."""
    try:
        # Imported here, as it is an extra, and takes 20 MB of each worker's memory.
        from scholarship_api.exchange.mcp.endpoint import PATH, McpEndpoint  # noqa: PLC0415
    except ModuleNotFoundError:
        problem = SettingError("MCP_ENABLED", "needs the extra: install scholarship-api[mcp]")
        raise SettingsError([problem]) from None
    app.state.mcp = McpEndpoint(partial(FastAPI.__call__, app))
    app.router.routes.append(Route(PATH, app.state.mcp, methods=["POST"]))


def _published(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application with compressed answers, and below its prefix, where there can be one."""
    if settings.compress_responses:
        # Imported here: the libraries of zstd and Brotli take .5 MiB of each worker's memory.
        from scholarship_api.platform.http.compression import (  # noqa: PLC0415
            CompressionMiddleware,
        )

        app = CompressionMiddleware(app)
    if not settings.root_path and not settings.trusted_proxy_ips:
        return app
    return PathPrefixMiddleware(
        app, root_path=settings.root_path, trusted_proxies=settings.trusted_proxy_ips
    )


def _identity_providers(
    settings: Settings, *, database: Database, limits: RateLimits
) -> "ProviderAuthenticator | None":
    """None when no provider is configured."""
    if not settings.oidc_issuers:
        return None
    # Imported here: it imports httpx and cryptography, which take time and memory in each worker.
    from scholarship_api.identity_providers.authenticator import (  # noqa: PLC0415
        ProviderAuthenticator,
    )

    return ProviderAuthenticator(settings.oidc_issuers, database=database, limits=limits)


def _middleware(
    settings: Settings,
    *,
    context: RequestContext,
    limits: RateLimits,
    health: HealthService,
    authenticators: Sequence[Authenticator],
    database: Database,
    fast_path: FastPath,
) -> list[Middleware]:
    """Outermost first; tests/platform/http holds the order by what is answered."""
    return [
        Middleware(CommonGrantsErrorsMiddleware),
        Middleware(RequestContextMiddleware, context=context),
        Middleware(TracingMiddleware),
        Middleware(SecurityHeadersMiddleware, settings=settings),
        Middleware(CorsMiddleware, settings=settings),
        Middleware(ErrorsMiddleware),
        Middleware(ProbeMiddleware, health=health),
        Middleware(HostsMiddleware, settings=settings),
        Middleware(
            SizeLimitsMiddleware,
            settings=settings,
            body_bytes={
                import_routes.IMPORT_PATH: settings.max_request_size_bytes,
                import_routes.PREVIEW_PATH: settings.max_request_size_bytes,
                activity_routes.EVENTS_PATH: activity_routes.EVENT_BODY_BYTES,
            },
        ),
        Middleware(AuthenticationMiddleware, authenticators=authenticators),
        Middleware(RateLimitMiddleware, limits=limits),
        Middleware(TokenCheckMiddleware, database=database, limits=limits),
        Middleware(
            DirectCallMiddleware,
            fast_path=fast_path,
            routes=[route for router in ROUTERS for route in router.routes],
        ),
        Middleware(MethodsMiddleware),
    ]


def rate_limit_groups(settings: Settings) -> RateLimitGroups:
    """Which paths count against which limit; the names are labels of `rate_limit_requests`."""
    return RateLimitGroups(
        [
            RateLimitGroup(
                "search",
                settings.rate_limit_search,
                (
                    "search",
                    "multi-search",
                    "scholarships/smart-search",
                    "common-grants/opportunities/search",
                ),
            ),
            RateLimitGroup(
                "eligibility",
                settings.rate_limit_eligibility,
                (
                    "eligibility",
                    "scholarships/eligibility-check",
                    "scholarships/bulk-eligibility-check",
                ),
            ),
            RateLimitGroup(
                "scholarships",
                settings.rate_limit_scholarships,
                ("scholarships", "duplicates", "common-grants", "search/rules", "search/synonyms"),
            ),
            RateLimitGroup(
                "analytics", settings.rate_limit_analytics, ("analytics", "interactions")
            ),
            RateLimitGroup("events", settings.rate_limit_events, ("events",)),
            RateLimitGroup("students", settings.rate_limit_students, ("me", "subjects", "feeds")),
        ],
        ceiling_per_minute=settings.rate_limit_per_minute,
        tiers=settings.rate_limit_tiers,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as closing:
        # These run from the last to the first, and all of them even when one fails.
        closing.push_async_callback(_export_what_is_left)
        closing.push_async_callback(_close_database, app.state.database)
        closing.push_async_callback(app.state.limiter.close)
        closing.push_async_callback(app.state.health.close)
        closing.push_async_callback(app.state.search_recorder.close)
        closing.push_async_callback(app.state.usage_recorder.close)
        closing.push_async_callback(app.state.read_model.close)
        if app.state.identity_providers is not None:
            closing.push_async_callback(app.state.identity_providers.close)
        app.state.tasks = TaskRegistry()
        closing.push_async_callback(app.state.tasks.close)
        if app.state.settings.mcp_enabled:
            await closing.enter_async_context(app.state.mcp.running())
        await app.state.limiter.start()
        app.state.tasks.spawn(app.state.search_recorder.run(), "search recorder")
        app.state.tasks.spawn(app.state.usage_recorder.run(), "use of API keys")
        app.state.tasks.spawn(app.state.read_model.run(), "read model")
        if app.state.identity_providers is not None:
            app.state.tasks.spawn(app.state.identity_providers.run(), "identity providers")
        if app.state.database.replicas is not None:
            app.state.tasks.spawn(app.state.database.replicas.run(), "read replicas")
        await _load_read_model(app)
        # Opens the connections of the probes: a new worker under load would find no time for it
        # within the deadline of a probe.
        await app.state.health.readiness()
        app.state.tasks.spawn(
            retention.run(
                app.state.database,
                retention_days=app.state.settings.analytics_retention_days,
            ),
            "retention",
        )
        app.state.tasks.spawn(
            changes_retention.run(
                app.state.database, retention_days=app.state.settings.changes_retention_days
            ),
            "retention of changes",
        )
        app.state.tasks.spawn(
            subject_retention.run(
                app.state.database, retention_days=app.state.settings.subject_retention_days
            ),
            "subject retention",
        )
        app.state.tasks.spawn(
            api_key_retention.run(app.state.database), "retention of batches of API key uses"
        )
        if (days := app.state.settings.audit_retention_days) is not None:
            app.state.tasks.spawn(
                audit_retention.run(app.state.database, retention_days=days), "audit retention"
            )
        yield


async def _load_read_model(app: FastAPI) -> None:
    """Wait for the read model, so that no request has to.

    Without a database the process starts too, and answers 503 until there is one. The wait is
    shorter than TIMEOUT, after which gunicorn would end the worker. The process is not ready before
    the model is loaded.
    """
    with suppress(TimeoutError, DatabaseUnavailable):
        async with asyncio.timeout(MODEL_SHARE_OF_TIMEOUT * app.state.settings.timeout):
            await app.state.read_model.loaded()


async def _close_database(database: Database) -> None:
    await database.close()
    _log.info("database.closed")


async def _export_what_is_left() -> None:
    await asyncio.gather(asyncio.to_thread(sentry.shutdown), asyncio.to_thread(tracing.shutdown))
