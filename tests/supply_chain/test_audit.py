"""The audit asks an index of the test, and fails for every unclear answer."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from deploy.supply_chain import audit
from deploy.supply_chain.audit import Ignored, Problem
from deploy.supply_chain.lock import LockedPackage
from tests.supply_chain.locks import locked, write_lock

TODAY = date(2026, 11, 23)
IDENTIFIER = "PYSEC-2026-7"
HOLE = {
    "id": IDENTIFIER,
    "aliases": ["CVE-2026-7777"],
    "fixed_in": ["1.1"],
    "summary": "Anybody may win.",
    "withdrawn": None,
}


class Index:
    """Answers a path with a document, a status, or a list of statuses in turn."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []

    def knows(self, name: str, version: str, *vulnerabilities: dict[str, Any]) -> LockedPackage:
        document = {"info": {}, "vulnerabilities": list(vulnerabilities)}
        self.answers[f"/pypi/{name}/{version}/json"] = document
        return self.package(name, version)

    def package(self, name: str, version: str) -> LockedPackage:
        return LockedPackage(name, version, f"{self.url}/simple")


class Handler(BaseHTTPRequestHandler):
    index: ClassVar[Index]

    def do_GET(self) -> None:
        self.index.asked.append(self.path)
        answer = self.index.answers.get(self.path, 404)
        if isinstance(answer, list):
            answer = answer.pop(0)
        body = b"" if isinstance(answer, int) else json.dumps(answer).encode()
        self.send_response(answer if isinstance(answer, int) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Log nothing, because standard error belongs to the test."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.setattr(audit, "PAUSES_SECONDS", (0.0, 0.0))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.index = Index(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Handler.index
        server.shutdown()
        thread.join()


def problems(*packages: LockedPackage, ignored: tuple[Ignored, ...] = ()) -> list[Problem]:
    return asyncio.run(audit.audit(packages, ignored, today=TODAY))


def ignore(*, until: date = TODAY, package: str = "award", identifier: str = IDENTIFIER) -> Ignored:
    return Ignored(identifier, package, until, "nobody can reach it")


def test_a_package_without_vulnerabilities_passes(index: Index) -> None:
    assert problems(index.knows("award", "1.0"), index.knows("grant", "2.0")) == []
    assert sorted(index.asked) == ["/pypi/award/1.0/json", "/pypi/grant/2.0/json"]


def test_a_vulnerability_is_found(index: Index) -> None:
    [problem] = problems(index.knows("award", "1.0", HOLE), index.knows("grant", "2.0"))
    assert problem == Problem("award 1.0", "PYSEC-2026-7 (fixed in 1.1): Anybody may win.")


def test_a_withdrawn_vulnerability_is_ignored(index: Index) -> None:
    assert (
        problems(index.knows("award", "1.0", {**HOLE, "withdrawn": "2026-11-01T00:00:00Z"})) == []
    )


def test_a_package_unknown_to_the_index_fails(index: Index) -> None:
    [problem] = problems(index.package("award", "1.0"))
    assert problem == Problem("award 1.0", "cannot be looked up: the index answers 404")
    assert len(index.asked) == 1  # a "no" stays one


def test_a_package_from_no_index_fails() -> None:
    [problem] = problems(LockedPackage("award", "1.0", None))
    assert problem.what == "cannot be looked up: it does not come from an index"


@pytest.mark.parametrize("answer", [{"info": {}}, {"vulnerabilities": None}, [[]], [["text"]]])
def test_an_answer_without_vulnerabilities_field_fails(index: Index, answer: object) -> None:
    index.answers["/pypi/award/1.0/json"] = answer
    [problem] = problems(index.package("award", "1.0"))
    assert problem.what == "cannot be looked up: the answer does not say what is known"


def test_an_overloaded_index_is_asked_again(index: Index) -> None:
    package = index.knows("award", "1.0")
    good = index.answers["/pypi/award/1.0/json"]
    index.answers["/pypi/award/1.0/json"] = [503, 429, good]
    assert problems(package) == []
    index.answers["/pypi/award/1.0/json"] = [503, 503, 503, good]
    [problem] = problems(package)
    assert problem.what == "cannot be looked up: the index answers 503"


def test_an_unreachable_index_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAUSES_SECONDS", ())
    # Nothing listens on the discard port.
    [problem] = problems(LockedPackage("award", "1.0", "http://127.0.0.1:9/simple"))
    assert problem.what == "cannot be looked up: the index cannot be reached (ConnectError)"


def test_an_empty_lock_fails() -> None:
    assert problems() == [Problem("uv.lock", "has no packages")]


def test_an_entry_ignores_any_alias_until_its_day(index: Index) -> None:
    package = index.knows("award", "1.0", HOLE)
    assert problems(package, ignored=(ignore(),)) == []
    assert problems(package, ignored=(ignore(identifier="CVE-2026-7777"),)) == []
    [problem] = problems(package, ignored=(ignore(until=TODAY - timedelta(days=1)),))
    assert problem.what.startswith("PYSEC-2026-7")


def test_an_entry_ignores_one_package_only(index: Index) -> None:
    package = index.knows("award", "1.0", HOLE)
    found = problems(package, ignored=(ignore(package="grant"),))
    assert {problem.package for problem in found} == {"award 1.0", "grant"}


def test_an_unused_entry_is_a_problem(index: Index) -> None:
    [problem] = problems(index.knows("award", "1.0"), ignored=(ignore(),))
    assert problem == Problem("award", "PYSEC-2026-7 need not be ignored")


def test_an_entry_needs_a_day_and_a_reason(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[ignored]]\nid = "PYSEC-2026-7"\npackage = "award"\n')
    with pytest.raises(TypeError, match="'until' and 'reason'"):
        audit.read_ignored(policy)
    with policy.open("a") as file:
        file.write('until = 2026-11-23\nreason = "nobody can reach it"\n')
    assert audit.read_ignored(policy) == [ignore()]


def run(lock: Path) -> Result:
    app = Typer()
    app.command()(audit.main)
    return CliRunner().invoke(app, ["--lock", str(lock)])


def test_the_command_looks_up_all_of_the_lock(index: Index, tmp_path: Path) -> None:
    index.knows("award", "1.0")
    index.knows("award", "2.0")
    packages = [locked("award", v, index=f"{index.url}/simple") for v in ("1.0", "2.0")]
    passed = run(write_lock(tmp_path / "uv.lock", *packages))
    assert passed.exit_code == 0, passed.output
    assert "2 packages were looked up" in passed.output


def test_the_command_fails_for_a_package_that_cannot_be_looked_up(
    index: Index, tmp_path: Path
) -> None:
    index.knows("award", "1.0")
    names = ("award", "no-such-package")
    packages = [locked(name, "1.0", index=f"{index.url}/simple") for name in names]
    failed = run(write_lock(tmp_path / "uv.lock", *packages))
    assert failed.exit_code == 1
    assert "no-such-package 1.0" in failed.output
    assert "1 problems in 2 packages" in failed.output
