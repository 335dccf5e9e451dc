"""The service answers as its OpenAPI document says, and never with a 5xx."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.amount import factor, seed
from tests.fuzz.conftest import FuzzedService

pytestmark = [pytest.mark.server, pytest.mark.slow]

EXAMPLES: Final = 5
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def test_generated_requests_meet_no_5xx_and_no_undocumented_answer(
    fuzzed: FuzzedService, tmp_path: Path
) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(fuzzed.document))
    before = len(fuzzed.server.log.named("request.finished"))
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(document)),
            *("--url", fuzzed.server.url, "--header", f"Authorization: Bearer {fuzzed.token}"),
            *("--checks", ",".join(CHECKS), "--seed", str(seed())),
            *("--max-examples", str(EXAMPLES * factor())),
            *("--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"),
            # These operations end the session that the others need.
            *("--exclude-path-regex", "/auth/(logout|me)"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.serializers",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600 * factor(),
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-2000:]
    requests = fuzzed.server.log.named("request.finished")[before:]
    assert len(requests) > 1_000
    assert not [line for line in requests if line["status"] >= 500]
