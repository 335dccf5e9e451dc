"""Runs the migrations of `scholarship_api.platform.database.migrations` on its connection."""

from alembic import context

from scholarship_api.accounts.models import Account, RevokedToken
from scholarship_api.activity.models import Interaction, SearchCount
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database.base import Base
from scholarship_api.search.models import SearchWord

MODELS = (Account, Interaction, RevokedToken, Scholarship, SearchCount, SearchWord)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
