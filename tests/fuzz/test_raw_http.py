"""Malformed HTTP is answered as docs/api.md says, or the connection is closed."""

import asyncio

import pytest

from tests.fuzz.amount import factor, seed
from tests.fuzz.conftest import FuzzedService
from tests.fuzz.exchange import fuzz
from tests.fuzz.messages import Messages

pytestmark = [pytest.mark.server, pytest.mark.slow]

MESSAGES = 1_500


def test_no_message_breaks_the_server(fuzzed: FuzzedService) -> None:
    """No 5xx, no hang, no answer to another request, no answer outside the error schema."""
    messages = Messages(seed())
    findings = asyncio.run(fuzz(fuzzed.server.port, fuzzed.promises, messages, MESSAGES * factor()))
    assert findings.messages == MESSAGES * factor()
    assert not findings.faults, "\n".join([str(findings.faults), *findings.examples])
    assert len(findings.shapes) == 15
    assert {200, 400, 404, 414, 431} <= findings.statuses.keys()
