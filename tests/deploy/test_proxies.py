"""The configurations of deploy/proxy, run by the real programs if they are installed."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from scholarship_api.settings.settings import Settings
from tests.deploy.gunicorn_server import REPOSITORY, RunningServer, running_server, until
from tests.deploy.manifests import container, pod, settings_file
from tests.deploy.test_forwarded import CLIENT_ADDRESS, PROXY, answers, free_port

pytestmark = pytest.mark.server

EXAMPLES = REPOSITORY / "deploy" / "proxy"
HOST = "api.example.org"
REPETITIONS = 10
PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"

SURROUNDINGS = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@pytest.fixture(scope="module")
def server(database_url: str, redis_url: str) -> Iterator[RunningServer]:
    settings = {
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "TRUSTED_PROXY_IPS": PROXY,
        # Earlier tests may have used up the rate limit of this address.
        "RATE_LIMIT_SEARCH": "100000/minute",
        "RATE_LIMIT_PER_MINUTE": "100000",
    }
    with running_server(settings, ready_path="/readyz") as server:
        yield server


def replaced(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        assert old in text, f"{old} is not in the example any more"
        text = text.replace(old, new)
    return text


def run(command: list[str], *, log: Path, port: int) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
    try:
        until(lambda: process.poll() is None and answers(port), reason=log.read_text)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def nginx(server: RunningServer) -> Iterator[str]:
    """nginx; its HTTPS address."""
    program = shutil.which("nginx", path=PATH)
    if program is None:
        pytest.skip("nginx is not installed")
    # Started by root, nginx runs its workers as another user, who cannot read tmp_path.
    with tempfile.TemporaryDirectory(prefix="scholarship-nginx-") as name:
        Path(name).chmod(0o755)
        yield from run_nginx(program, server, Path(name))


def run_nginx(program: str, server: RunningServer, folder: Path) -> Iterator[str]:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", f"/CN={HOST}", "-keyout", folder / "key.pem",
         "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    http, https = free_port(), free_port()
    site = replaced(
        (EXAMPLES / "nginx.conf").read_text(),
        {
            "127.0.0.1:8000": f"127.0.0.1:{server.port}",
            "listen 80;": f"listen 127.0.0.1:{http};",
            "listen [::]:80;": "",
            "listen 443 ssl;": f"listen 127.0.0.1:{https} ssl;",
            "listen [::]:443 ssl;": "",
            "/etc/letsencrypt/live/api.example.org/fullchain.pem": f"{folder}/certificate.pem",
            "/etc/letsencrypt/live/api.example.org/privkey.pem": f"{folder}/key.pem",
        },
    )
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(SURROUNDINGS.format(folder=folder))
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    for _ in run([*command, "-e", str(folder / "error.log")], log=folder / "log", port=https):
        redirect = httpx.get(f"http://127.0.0.1:{http}/status?a=b", headers={"Host": HOST})
        assert redirect.status_code == 308
        assert redirect.headers["Location"] == f"https://{HOST}/status?a=b"
        yield f"https://127.0.0.1:{https}"


@pytest.fixture(scope="module")
def caddy(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Caddy; its address, with a certificate of its own authority."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("Caddy is not installed")
    folder = tmp_path_factory.mktemp("caddy")
    port = free_port()
    example = (EXAMPLES / "Caddyfile").read_text()
    validate = [program, "validate", "--adapter", "caddyfile", "--config"]
    subprocess.run([*validate, EXAMPLES / "Caddyfile"], check=True, capture_output=True)
    site = replaced(
        example,
        {"\napi.example.org {": f"\nhttp://{HOST}:{port} {{", ":8000": f":{server.port}"},
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tpersist_config off\n}\n" + site)
    command = [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    for _ in run(command, log=folder / "log", port=port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=["nginx", "caddy"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client with a public address, behind the proxy."""
    url: str = request.getfixturevalue(request.param)
    transport = httpx.HTTPTransport(local_address=CLIENT_ADDRESS, verify=False)
    headers = {"Host": HOST}
    with httpx.Client(base_url=url, transport=transport, headers=headers, timeout=20) as client:
        yield client


def test_the_service_answers_and_sees_the_client(
    client: httpx.Client, server: RunningServer
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.5", "X-Request-ID": "chosen-by-the-client"}
    answer = client.get("/api/v1/search?limit=1", headers=forged)
    assert answer.status_code == 200
    assert answer.headers["X-Trace-ID"] not in forged.values()

    def lines() -> list[str]:
        trace_id = answer.headers["X-Trace-ID"]
        finished = server.log.named("request.finished")
        return [line["client_ip"] for line in finished if line["trace_id"] == trace_id]

    until(lines)
    assert lines() == [CLIENT_ADDRESS]


def test_the_proxy_does_not_forward_metrics(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 404
    assert "X-Trace-ID" not in answer.headers, "the service has been asked"


def test_rejections_come_from_the_service(client: httpx.Client) -> None:
    """If the proxy's limit was lower, it would answer with an HTML page."""
    body = client.post("/api/v1/search", json={"q": "x" * Settings().max_request_size_bytes})
    head = client.get("/status", headers={"X-Filler": "x" * 20_000})
    assert [body.json()["code"], head.json()["code"]] == ["PAYLOAD_TOO_LARGE", "HEADERS_TOO_LARGE"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1_200_000, 5_000_000, 10_000_000])
def test_a_large_body_is_rejected_by_the_service_each_time(
    client: httpx.Client, size: int, *, chunked: bool
) -> None:
    """The service answers before the proxy has sent the body; the response must not be lost."""
    for _ in range(REPETITIONS):
        content = iter([bytes(size // 4)] * 4) if chunked else bytes(size)
        answer = client.post("/api/v1/search", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("example", "pattern"),
    [
        ("nginx.conf", r"^ +keepalive_timeout (\d+)s;$"),
        ("Caddyfile", r"^\t+keepalive (\d+)s$"),
    ],
)
def test_the_proxy_closes_idle_connections_first(example: str, pattern: str) -> None:
    [seconds] = re.findall(pattern, (EXAMPLES / example).read_text(), re.MULTILINE)
    assert int(seconds) < Settings().keepalive


def test_the_balancer_agrees_with_the_manifests() -> None:
    [ingress] = yaml.safe_load_all((EXAMPLES / "aws-load-balancer.yaml").read_text())
    prefix = "alb.ingress.kubernetes.io/"
    annotations = {
        name.removeprefix(prefix): value
        for name, value in ingress["metadata"]["annotations"].items()
    }
    [idle] = re.findall(
        r"idle_timeout\.timeout_seconds=(\d+)", annotations["load-balancer-attributes"]
    )
    assert int(idle) < int(settings_file()["KEEPALIVE"])
    [delay] = re.findall(r"timeout_seconds=(\d+)", annotations["target-group-attributes"])
    api = container(pod("Deployment"))
    assert int(delay) <= api["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert annotations["healthcheck-path"] == api["readinessProbe"]["httpGet"]["path"]
    assert ingress["spec"]["rules"][0]["host"] == settings_file()["ALLOWED_HOSTS"]
