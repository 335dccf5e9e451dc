"""Groonga, a full-text search server that Debian packages, over the awards of a catalogue.

It needs the program `groonga` (Debian: apt install groonga-bin). It corrects nothing and knows no
synonyms.
"""

import http.client
import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.goals import NotMeasuredError
from benchmarks.servers import READY_SECONDS, Server

OPEN_TO_ALL: Final = "*"
"""The value of an award that does not restrict a field."""

NO_DEADLINE: Final = 2.0**53
"""The closing time of an award without a deadline, in Unix seconds."""

BATCH: Final = 5_000
"""Awards that are loaded in one command."""

COMPLETE: Final = "complete"
"""The file that marks a database as complete."""

_TEXTS: Final = {"name": 4, "organization": 2, "description": 1}
_SETS: Final = {
    "fields_of_study": "fields_of_study",
    "scholarship_types": "scholarship_type",
    "states": "states",
    "grade_level": "grade_levels",
    "citizenship": "citizenship",
}
_SHOWN: Final = "_key,name,organization,description,amount,currency,closes_at,scholarship_type"
_SCHEMA: Final = (
    "table_create Awards TABLE_HASH_KEY ShortText",
    *(f"column_create Awards {name} COLUMN_SCALAR Text" for name in _TEXTS),
    *(f"column_create Awards {name} COLUMN_VECTOR ShortText" for name in _SETS.values()),
    "column_create Awards currency COLUMN_SCALAR ShortText",
    *(f"column_create Awards {name} COLUMN_SCALAR Float" for name in ("amount", "min_gpa")),
    "column_create Awards closes_at COLUMN_SCALAR Float",
    "column_create Awards renewable COLUMN_SCALAR Bool",
    (
        "table_create Terms TABLE_PAT_KEY ShortText --normalizer NormalizerAuto"
        " --default_tokenizer TokenBigram --token_filters TokenFilterStem"
    ),
    *(
        f"column_create Terms awards_{name} COLUMN_INDEX|WITH_POSITION Awards {name}"
        for name in _TEXTS
    ),
    "table_create Values TABLE_PAT_KEY ShortText",
    *(f"column_create Values awards_{name} COLUMN_INDEX Awards {name}" for name in _SETS.values()),
)


def require() -> str:
    """The program. Raises NotMeasuredError when it is not installed."""
    program = shutil.which("groonga")
    if program is None:
        raise NotMeasuredError("the program groonga is not installed (Debian: groonga-bin)")
    return program


def build(folder: Path, awards: Iterable[Mapping[str, Any]]) -> Path:
    """The database file with all awards, built unless it is complete."""
    database = folder / "awards.db"
    if (folder / COMPLETE).exists():
        return database
    program = require()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    schema = ["plugin_register token_filters/stem", *_SCHEMA]
    _run(program, ["-n", str(database)], "\n".join(schema))
    batch: list[dict[str, Any]] = []
    for award in awards:
        batch.append(_record(award))
        if len(batch) == BATCH:
            _load(program, database, batch)
            batch = []
    if batch:
        _load(program, database, batch)
    (folder / COMPLETE).touch()
    return database


def _record(award: Mapping[str, Any]) -> dict[str, Any]:
    deadline = award["application_deadline"]
    record: dict[str, Any] = {"_key": award["id"], "currency": award["currency"] or ""}
    record |= {name: award[name] for name in _TEXTS}
    for name in _SETS.values():
        values = award[name] or [OPEN_TO_ALL]
        record[name] = [values] if isinstance(values, str) else values
    record["amount"] = -1.0 if award["amount"] is None else award["amount"]
    record["min_gpa"] = award["min_gpa"] or 0.0
    record["closes_at"] = deadline.timestamp() if deadline else NO_DEADLINE
    record["renewable"] = award["renewable"]
    return record


def _load(program: str, database: Path, batch: list[dict[str, Any]]) -> None:
    _run(program, [str(database)], f"load --table Awards\n{json.dumps(batch)}")


def _run(program: str, arguments: list[str], commands: str) -> None:
    done = subprocess.run(
        [program, *arguments], input=commands, capture_output=True, text=True, check=True
    )
    for line in done.stdout.splitlines():
        # An answer is [[code, start, elapsed, message...], result]; code 0 means success.
        header = json.loads(line)[0]
        if header[0]:
            raise RuntimeError(f"groonga refused a command: {header[3:]}")


def path_of(path: str) -> str:
    """The command of groonga for the path of a search."""
    parameters = {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
    filters = [f"closes_at >= {time.time():.0f}"]
    for parameter, column in _SETS.items():
        if parameter in parameters:
            values = [*parameters[parameter].split(","), OPEN_TO_ALL]
            alternatives = " || ".join(f"{column} @ {json.dumps(value)}" for value in values)
            filters.append(f"({alternatives})")
    for parameter, condition in (
        ("min_amount", "amount >= {}"),
        ("max_amount", "(amount >= 0 && amount <= {})"),
        ("min_gpa", "min_gpa <= {}"),
        ("renewable", "renewable == {}"),
    ):
        if parameter in parameters:
            filters.append(condition.format(parameters[parameter]))
    command = {
        "table": "Awards",
        "filter": " && ".join(filters),
        "output_columns": _SHOWN,
        "limit": parameters.get("limit", "20"),
        "sort_keys": "-_score,closes_at" if "q" in parameters else "closes_at",
    }
    if "q" in parameters:
        command["query"] = parameters["q"]
        command["match_columns"] = "||".join(f"{name}*{weight}" for name, weight in _TEXTS.items())
    return f"/d/select?{urlencode(command)}"


@contextmanager
def server(database: Path) -> Iterator[Server]:
    """Groonga's HTTP server, with its threads in one process."""
    port = _free_port()
    command = [require(), "--protocol", "http", "--port", str(port), "-s", str(database)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(port, process)
            yield Server(port, process.pid, (process.pid,))
        finally:
            process.terminate()


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/d/status")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(0.05)
    raise RuntimeError("groonga did not start")


def _free_port() -> int:
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - any free port will do
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
