"""Every setting, once.

A field `name` is read from the environment variable `NAME`. A variable that is empty or blank
counts as unset, an unknown one is ignored. Secrets and URLs that hold passwords are `SecretStr`,
empty when unset, and can come from a file: `NAME_FILE`. Lists are comma-separated. `.env` in the
working directory is read in development only.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource, InitSettingsSource

from scholarship_api import command_errors
from scholarship_api.settings.errors import SettingError, SettingsError, reason_of
from scholarship_api.settings.identity_providers import (
    IdentityProviders,
    identity_provider_errors,
)
from scholarship_api.settings.production import (
    mail_errors,
    missing_extra_errors,
    production_errors,
    shared_limiter_errors,
)
from scholarship_api.settings.sources import (
    DOTENV_ENVIRONMENTS,
    FileText,
    SecretFiles,
    Unreadable,
    dotenv_source,
    variable_of,
)
from scholarship_api.settings.timing import drain_seconds, timing_errors
from scholarship_api.settings.values import (
    MAX_CONNECTIONS,
    MAX_WORKERS,
    Amount,
    BaseUrl,
    BindHosts,
    Delay,
    Environment,
    Hosts,
    LogFormat,
    LogLevel,
    Names,
    Networks,
    Origins,
    PositiveAmount,
    PostgresUrl,
    RateLimit,
    RateLimitTiers,
    ReadUrls,
    RedisUrl,
    RootPath,
    Seconds,
    Secret,
    Secrets,
    Sender,
    SentryDsn,
    SmtpUrl,
    WebUrl,
    WebUrls,
)

__all__ = [
    "SECRETS",
    "DefaultSettings",
    "SettingError",
    "Settings",
    "SettingsError",
    "load_settings",
]

SECRETS = frozenset(
    {
        "database_migration_url",
        "database_read_url",
        "database_url",
        "jwt_previous_secret_keys",
        "jwt_secret_key",
        "metrics_token",
        "rate_limit_backend_url",
        "sentry_dsn",
        "smtp_url",
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
    """The settings of one process; immutable. Raises `SettingsError`, with every error at once."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    dotenv_file: ClassVar[Path | None] = Path(".env")
    """Not pydantic-settings' `env_file`, which is opened in production as well."""

    environment: Environment = "development"
    debug: bool = False

    # Logs and observation
    log_level: LogLevel = Field(
        default_factory=lambda data: "DEBUG" if data.get("debug") else "INFO"
    )
    log_format: LogFormat = Field(default_factory=_by_environment("json", development="console"))
    access_log_probes: bool = True
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
    database_read_url: ReadUrls = ()
    read_replica_max_lag: Seconds = 10
    database_pool_size: int = Field(default=5, ge=1, le=MAX_CONNECTIONS)
    database_max_overflow: int = Field(default=5, ge=0, le=MAX_CONNECTIONS)
    database_pgbouncer: bool = False
    analytics_retention_days: int = Field(default=365, ge=1, le=3650)
    changes_retention_days: int = Field(default=90, ge=7, le=3650)
    audit_retention_days: Annotated[int, Field(ge=30, le=36_500)] | None = None
    subject_retention_days: int = Field(default=730, ge=30, le=3650)

    # Rate limits
    rate_limit_enabled: bool = True
    rate_limit_backend_url: RedisUrl = SecretStr("")
    disable_rate_limit_backend: bool = False
    rate_limit_per_minute: PositiveAmount = Field(
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
    rate_limit_events: RateLimit = Field(
        default_factory=_by_environment("60/minute", development="120/minute")
    )
    rate_limit_students: RateLimit = Field(
        default_factory=_by_environment("60/minute", development="120/minute")
    )
    rate_limit_login_account: RateLimit = "5/minute"
    rate_limit_login_address: RateLimit = "20/minute"
    rate_limit_tiers: RateLimitTiers = Field(default_factory=dict)

    # Eligibility
    eligibility_unchecked_criteria: Names = ()

    # The worker, and webhooks
    worker_port: int = Field(default=8001, ge=0, le=65_535)
    webhook_allow_private: bool = False
    smtp_url: SmtpUrl = SecretStr("")
    smtp_from: Sender = ""

    # Tokens
    jwt_secret_key: Secret = SecretStr("")
    jwt_previous_secret_keys: Secrets = ()
    jwt_issuer: str = Field(default="scholarship-api", min_length=1)
    jwt_audience: str = Field(default="scholarship-api", min_length=1)
    access_token_expire_minutes: int = Field(default=30, ge=1, le=1440)
    local_login_enabled: bool = True
    oidc_issuers: IdentityProviders = Field(default_factory=dict)

    # Access from outside
    allowed_hosts: Hosts = Field(default_factory=_by_environment(("*",), production=()))
    trusted_proxy_ips: Networks = ()
    root_path: RootPath = ""
    public_base_url: BaseUrl = ""
    cors_allowed_origins: Origins = Field(
        default_factory=_by_environment(
            (), development=("http://localhost:3000", "http://localhost:5173")
        )
    )
    cors_allow_credentials: bool = False
    enable_docs: bool = Field(default_factory=_by_environment(False, development=True))
    enable_hsts: bool = Field(default_factory=_by_environment(False, production=True))
    compress_responses: bool = False
    mcp_enabled: bool = False
    max_request_size_bytes: PositiveAmount = 1_048_576
    max_url_length: PositiveAmount = 2048

    # The server process; times in seconds
    bind_host: BindHosts = ("0.0.0.0",)  # noqa: S104 - the proxy may be on another machine
    port: int = Field(default=8000, ge=1, le=65_535)
    web_concurrency: Annotated[int, Field(ge=1, le=MAX_WORKERS)] | None = None
    timeout: Seconds = 60
    graceful_timeout: Seconds = 30
    keepalive: Seconds = 5
    max_requests: Amount = 2000
    max_requests_jitter: Amount = 200
    shutdown_delay: Delay = 0
    termination_grace_period: Seconds = 45

    _from_files: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def fails_closed(self) -> bool:
        """Whether limited routes answer 503 while the shared limiter cannot be reached."""
        return self.environment in {"staging", "production"}

    @property
    def drain_seconds(self) -> int:
        """The time that requests in flight get after SHUTDOWN_DELAY."""
        return drain_seconds(
            graceful_timeout=self.graceful_timeout, shutdown_delay=self.shutdown_delay
        )

    def variable(self, name: str) -> str:
        """The environment variable to blame for the field `name`: the one that was set."""
        if name == "database_migration_url" and name not in self.model_fields_set:
            name = "database_url"
        return f"{name.upper()}_FILE" if name in self._from_files else name.upper()

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("environment", self.environment)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - see `dotenv_file`
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - NAME_FILE instead
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101 - narrows for mypy
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101
        named = init_settings.init_kwargs.get("environment")
        process = env_settings.env_vars = _without_blanks(env_settings.env_vars)
        if not _reads_dotenv(named or process.get("environment")):
            files = SecretFiles(settings_cls, fields=SECRETS, variables=process)
            return init_settings, files, env_settings
        dotenv = dotenv_source(settings_cls, cls.dotenv_file)
        dotenv.env_vars = _without_blanks(dotenv.env_vars)
        variables = {**dotenv.env_vars, **process}
        if not _reads_dotenv(named or variables.get("environment")):
            reason = "a .env file is for development only; set it in the process environment"
            refusal = {"environment": Unreadable("ENVIRONMENT", reason)}
            return InitSettingsSource(settings_cls, refusal), init_settings, env_settings
        files = SecretFiles(settings_cls, fields=SECRETS, variables=variables)
        return init_settings, files, env_settings, dotenv

    @model_validator(mode="wrap")
    @classmethod
    def _all_errors_at_once(
        cls, values: dict[str, Any], handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        settings, errors = _validated(values, handler)
        if settings is not None:
            named = {error.variable for error in errors}
            errors += [error for error in _errors_of(settings) if error.variable not in named]
            if not errors:
                settings._from_files = frozenset(  # noqa: SLF001 - its own class
                    name for name, value in values.items() if isinstance(value, FileText)
                )
                return settings
        order = [name.upper() for name in cls.model_fields]
        raise SettingsError(
            [
                SettingError(variable_of(error.variable, values), error.reason)
                for error in sorted(errors, key=lambda error: order.index(error.variable))
            ],
            log_format=_log_format_of(values),
        )


class DefaultSettings(Settings):
    """Settings that are given in code; the process environment and `.env` have no influence."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _reads_dotenv(environment: object) -> bool:
    return str(environment or "").strip().lower() in DOTENV_ENVIRONMENTS


def _without_blanks(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: text for name, text in variables.items() if text and not text.isspace()}


def _log_format_of(values: Mapping[str, Any]) -> command_errors.LogFormat:
    """LOG_FORMAT of settings that cannot be used as a whole."""
    named = str(values.get("log_format", "")).strip().lower()
    if named in {"json", "console"}:
        return "json" if named == "json" else "console"
    return "console" if _reads_dotenv(values.get("environment")) else "json"


def _validated(
    values: dict[str, Any], handler: ModelWrapValidatorHandler[_Settings]
) -> tuple[_Settings | None, list[SettingError]]:
    """The settings, with the defaults in place of values that are wrong, and what is wrong."""
    try:
        return handler(values), []
    except ValidationError as error:
        # A default that depends on a wrong value is no error of its own.
        wrong = {
            str(problem["loc"][0]): reason_of(problem)
            for problem in error.errors(include_url=False)
            if problem["type"] != "default_factory_not_called"
        }
    errors = [SettingError(name.upper(), reason) for name, reason in wrong.items()]
    if "environment" in wrong:
        return None, errors
    return handler({name: value for name, value in values.items() if name not in wrong}), errors


def _errors_of(settings: Settings) -> Iterator[SettingError]:
    yield from timing_errors(settings)
    yield from missing_extra_errors(settings)
    yield from mail_errors(settings)
    yield from identity_provider_errors(settings)
    if settings.fails_closed:
        yield from shared_limiter_errors(settings)
    if settings.is_production:
        yield from production_errors(settings)


def load_settings() -> Settings:
    """The settings of this process's environment. Raises `SettingsError`.

    A caller that is a process of its own reports the error and exits with its exit code.
    """
    return Settings()
