"""Two machines that serve one database, and a client machine."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from . import curl
from .deployment import SECRETS
from .machine import API, LOCAL, Machine, await_ready, control, unit_property

POSTGRESQL: Final = "postgresql.target"
"""The server and its set-up; the service alone starts before the roles exist."""
POSTGRESQL_SERVER: Final = "postgresql.service"
"""The unit to stop before the target, so that `systemctl stop` waits for its end."""
REDIS: Final = "redis-limits.service"
NGINX: Final = "nginx.service"

ADDRESS: Final = "http://server/api/v1"
USERNAME: Final = "acceptance"
PASSWORD: Final = "correct horse battery staple"
AWARDS: Final = tuple(
    {
        "id": f"first-{number}",
        "name": f"Scholarship number {number}",
        "organization": "Those who test",
        "description": "A scholarship for those who look for one.",
        "scholarship_type": "merit_based",
        "deadline_kind": "rolling",
    }
    for number in range(3)
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The machines. `server` also runs PostgreSQL and Redis; `client` runs no server.

    `suite` is the command that runs the acceptance suite on the client.
    """

    server: Machine
    other: Machine
    client: Machine
    suite: str

    @property
    def nodes(self) -> tuple[Machine, Machine]:
        return self.server, self.other


def await_servers(cluster: Cluster) -> None:
    """Wait for all servers except the API, which start with the machines."""
    for unit in (POSTGRESQL, REDIS):
        cluster.server.wait_for_unit(unit)
    for node in cluster.nodes:
        node.wait_for_unit(NGINX)


def start(cluster: Cluster) -> None:
    """Start the API on both machines and wait until it is ready."""
    await_servers(cluster)
    for node in cluster.nodes:
        control(node, "start --no-block", API)
    for node in cluster.nodes:
        await_ready(node)


def services(node: Machine) -> tuple[int, dict[str, str]]:
    """The status of the readiness probe, and that of each service."""
    answer = curl.ask(node, f"{LOCAL}/health/services")
    body: dict[str, Any] = json.loads(answer.body)
    parts = (body if answer.status == 200 else body["details"])["services"]
    return answer.status, {name: part["status"] for name, part in parts.items()}


def main_processes(nodes: Sequence[Machine]) -> list[str]:
    """The process ids of the API, which change when it is restarted."""
    return [unit_property(node, API, "MainPID") for node in nodes]


def psql(*statements: str) -> str:
    """The command that executes each statement as the owner, in its own transaction.

    It prints values only, one row a line.
    """
    options = [f"--command={statement}" for statement in statements]
    quiet = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align")
    return shlex.join(["psql", *quiet, SECRETS["DATABASE_MIGRATION_URL"], *options])


def fill(cluster: Cluster) -> None:
    """Create an admin on the machine, who imports some awards."""
    tool = f"env ENVIRONMENT=test DATABASE_URL={SECRETS['DATABASE_URL']} scholarship-api"
    create = f"users create {USERNAME} --role=admin --password-stdin"
    cluster.server.succeed(f"printf '%s' {shlex.quote(PASSWORD)} | {tool} {create}")
    credentials = json.dumps({"username": USERNAME, "password": PASSWORD})
    login = curl.ask(cluster.client, f"{ADDRESS}/auth/login-simple", "--json", credentials)
    assert login.status == 200, login.body
    authorization = f"Authorization: Bearer {json.loads(login.body)['access_token']}"
    rows = "\n".join(json.dumps(award) for award in AWARDS)
    headers = ("--header", authorization, "--header", "Content-Type: application/x-ndjson")
    url = f"{ADDRESS}/scholarships/import"
    imported = curl.ask(cluster.client, url, *headers, "--data-binary", rows)
    assert imported.status == 200, imported.body
