"""Runs the migrations, on the connection of `scholarship_api.platform.database.migrations`.

`scholarship-api migrate` is the way in a deployment; the command `alembic` works in a checkout.
"""

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from scholarship_api.accounts.models import Account, RevokedToken
from scholarship_api.activity.models import Interaction, SearchCount
from scholarship_api.alerts.models import Alert
from scholarship_api.api_keys.models import ApiKey
from scholarship_api.applications.models import Application
from scholarship_api.audit.models import AuditEvent
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.changes.models import OutboxEvent
from scholarship_api.exchange.duplicates.models import Duplicate
from scholarship_api.feeds.models import Feed
from scholarship_api.mail.models import Mail
from scholarship_api.platform.database.base import Base
from scholarship_api.platform.database.migrations import (
    MigrationTimeoutError,
    has_model,
    locked_connection,
)
from scholarship_api.profiles.models import Profile
from scholarship_api.saved_searches.models import SavedSearch
from scholarship_api.search.models import SearchWord
from scholarship_api.search_rules.models import SearchRule
from scholarship_api.settings.settings import SettingsError, load_settings
from scholarship_api.subjects.models import Subject
from scholarship_api.webhooks.models import Webhook

MODELS = (
    Account,
    Alert,
    ApiKey,
    AuditEvent,
    Interaction,
    Mail,
    OutboxEvent,
    RevokedToken,
    Scholarship,
    SearchCount,
    SearchRule,
    SearchWord,
    Subject,
    Profile,
    SavedSearch,
    Webhook,
    Application,
    Duplicate,
    Feed,
)

LOCK_SECONDS = 5.0
"""How long `alembic` by hand waits for a replica that migrates."""


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        include_name=has_model,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_by_hand() -> None:
    """For the command `alembic`, which has no connection: with the service's own settings."""
    if context.is_offline_mode():
        raise CommandError("the migrations read the database: they cannot be written as SQL")
    try:
        url = load_settings().database_migration_url.get_secret_value()
    except SettingsError as error:
        raise CommandError(str(error)) from None
    if not url:
        raise CommandError("set DATABASE_URL, or use `scholarship-api migrate`")
    try:
        with locked_connection(url, LOCK_SECONDS) as connection:
            run(connection)
    except MigrationTimeoutError as error:
        raise CommandError(str(error)) from None


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    run_by_hand()
