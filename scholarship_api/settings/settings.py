"""Every setting, once.

A field `name` is read from the environment variable `NAME`; an empty variable counts as unset;
unknown variables are ignored. Secrets and URLs that hold passwords are `SecretStr`, empty when
unset, and can come from a file: `NAME_FILE`. Lists are comma-separated. `.env` in the working
directory is read in development only.
"""

from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource, EnvSettingsSource, InitSettingsSource

from scholarship_api.settings.errors import EXIT_CONFIG, Fault, SettingsError
from scholarship_api.settings.production import (
    CLOSING_SECONDS,
    production_faults,
    shared_limiter_faults,
    timing_faults,
)
from scholarship_api.settings.sources import (
    DOTENV_ENVIRONMENTS,
    SecretFiles,
    Unreadable,
)
from scholarship_api.settings.values import (
    Environment,
    Hosts,
    LogFormat,
    LogLevel,
    Networks,
    Origins,
    PostgresUrl,
    RateLimit,
    RedisUrl,
    Secret,
    Secrets,
    SentryDsn,
    WebUrl,
    WebUrls,
)

__all__ = ["EXIT_CONFIG", "SECRETS", "Fault", "Settings", "SettingsError", "load_settings"]

SECRETS = frozenset(
    {
        "database_migration_url",
        "database_url",
        "jwt_previous_secret_keys",
        "jwt_secret_key",
        "metrics_token",
        "rate_limit_backend_url",
        "sentry_dsn",
    }
)
"""The fields that also have a `NAME_FILE` variable."""

_Value = TypeVar("_Value")
_Settings = TypeVar("_Settings", bound="Settings")


def _by_environment(other: _Value, **named: _Value) -> Callable[[dict[str, Any]], _Value]:
    """A default that depends on ENVIRONMENT, which is therefore the first field."""

    def default(data: dict[str, Any]) -> _Value:
        return named.get(data.get("environment", ""), other)

    return default


class Settings(BaseSettings):
    """The settings of one process; immutable. Raises `SettingsError`, with every fault at once."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    environment: Environment = "development"
    debug: bool = False

    # Logs and observation
    log_level: LogLevel = Field(
        default_factory=lambda data: "DEBUG" if data.get("debug") else "INFO"
    )
    log_format: LogFormat = Field(default_factory=_by_environment("json", development="console"))
    sentry_dsn: SentryDsn = SecretStr("")
    metrics_token: Secret = SecretStr("")
    otel_exporter_otlp_endpoint: WebUrl = ""
    outbound_check_urls: WebUrls = ()
    outbound_required: bool = False

    # PostgreSQL
    database_url: PostgresUrl = SecretStr("")
    database_migration_url: PostgresUrl = Field(
        default_factory=lambda data: data.get("database_url", SecretStr(""))
    )
    database_pool_size: PositiveInt = 5
    database_max_overflow: NonNegativeInt = 5
    database_pgbouncer: bool = False
    analytics_retention_days: int = Field(default=365, ge=1, le=3650)

    # Rate limits
    rate_limit_enabled: bool = True
    rate_limit_backend_url: RedisUrl = SecretStr("")
    disable_rate_limit_backend: bool = False
    rate_limit_per_minute: PositiveInt = Field(
        default_factory=_by_environment(100, staging=150, development=200)
    )
    rate_limit_search: RateLimit = Field(
        default_factory=_by_environment("30/minute", development="60/minute")
    )
    rate_limit_eligibility: RateLimit = Field(
        default_factory=_by_environment("15/minute", development="30/minute")
    )
    rate_limit_scholarships: RateLimit = Field(
        default_factory=_by_environment("60/minute", development="120/minute")
    )
    rate_limit_analytics: RateLimit = Field(
        default_factory=_by_environment("10/minute", development="20/minute")
    )
    rate_limit_login_account: RateLimit = "5/minute"
    rate_limit_login_address: RateLimit = "20/minute"

    # Tokens
    jwt_secret_key: Secret = SecretStr("")
    jwt_previous_secret_keys: Secrets = ()
    jwt_issuer: str = Field(default="scholarship-api", min_length=1)
    jwt_audience: str = Field(default="scholarship-api", min_length=1)
    access_token_expire_minutes: int = Field(default=30, ge=1, le=1440)

    # What the outside may do
    allowed_hosts: Hosts = Field(default_factory=_by_environment(("*",), production=()))
    trusted_proxy_ips: Networks = ()
    cors_allowed_origins: Origins = Field(
        default_factory=_by_environment(
            (), development=("http://localhost:3000", "http://localhost:5173")
        )
    )
    cors_allow_credentials: bool = False
    enable_docs: bool = Field(default_factory=_by_environment(False, development=True))
    enable_hsts: bool = Field(default_factory=_by_environment(False, production=True))
    max_request_size_bytes: PositiveInt = 1_048_576
    max_url_length: PositiveInt = 2048

    # The server process; times in seconds
    port: int = Field(default=8000, ge=1, le=65_535)
    web_concurrency: PositiveInt | None = None
    timeout: PositiveInt = 60
    graceful_timeout: PositiveInt = 30
    keepalive: PositiveInt = 5
    max_requests: NonNegativeInt = 2000
    max_requests_jitter: NonNegativeInt = 200
    shutdown_delay: NonNegativeInt = 0
    termination_grace_period: PositiveInt = 45

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def fails_closed(self) -> bool:
        """Whether limited routes answer 503 while the shared limiter cannot be reached."""
        return self.environment in {"staging", "production"}

    @property
    def drain_seconds(self) -> int:
        """How long requests in flight get after SHUTDOWN_DELAY.

        SHUTDOWN_DELAY + this + 2 s for closing = GRACEFUL_TIMEOUT, after which gunicorn kills.
        """
        return self.graceful_timeout - self.shutdown_delay - CLOSING_SECONDS

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("environment", self.environment)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - NAME_FILE instead
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101 - narrows for mypy
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101
        assert isinstance(dotenv_settings, DotEnvSettingsSource)  # noqa: S101
        variables: dict[str, str | None] = dict(env_settings.env_vars)
        named = init_settings.init_kwargs.get("environment") or variables.get("environment") or ""
        if named.strip().lower() not in DOTENV_ENVIRONMENTS:
            files = SecretFiles(settings_cls, fields=SECRETS, variables=variables)
            return init_settings, files, env_settings
        variables = {**dotenv_settings.env_vars, **variables}
        if (variables.get("environment") or "").strip().lower() not in DOTENV_ENVIRONMENTS:
            reason = "a .env file is for development only; set it in the process environment"
            refusal = InitSettingsSource(settings_cls, {"environment": Unreadable(reason)})
            return refusal, init_settings, env_settings
        files = SecretFiles(settings_cls, fields=SECRETS, variables=variables)
        return init_settings, files, env_settings, dotenv_settings

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults_at_once(
        cls, values: dict[str, Any], handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        settings, faults = _validated(values, handler)
        if settings is not None:
            named = {fault.variable for fault in faults}
            faults += [fault for fault in _faults_of(settings) if fault.variable not in named]
            if not faults:
                return settings
        order = [name.upper() for name in cls.model_fields]
        raise SettingsError(sorted(faults, key=lambda fault: order.index(fault.variable)))


def _validated(
    values: dict[str, Any], handler: ModelWrapValidatorHandler[_Settings]
) -> tuple[_Settings | None, list[Fault]]:
    """The settings, with the defaults in place of values that are wrong, and what is wrong."""
    try:
        return handler(values), []
    except ValidationError as error:
        # A default that depends on a wrong value is no fault of its own.
        problems = [
            (str(problem["loc"][0]), problem["msg"].removeprefix("Value error, "))
            for problem in error.errors(include_url=False, include_context=False)
            if problem["type"] != "default_factory_not_called"
        ]
    wrong = dict(problems)
    faults = [Fault(name.upper(), reason) for name, reason in wrong.items()]
    if "environment" in wrong:
        return None, faults
    return handler({key: value for key, value in values.items() if key not in wrong}), faults


def _faults_of(settings: Settings) -> Iterator[Fault]:
    yield from timing_faults(settings)
    if settings.fails_closed:
        yield from shared_limiter_faults(settings)
    if settings.is_production:
        yield from production_faults(settings)


def load_settings() -> Settings:
    """The settings of this process's environment. Raises `SettingsError`.

    A caller that is a process of its own prints the error and exits with `EXIT_CONFIG`.
    """
    return Settings()
