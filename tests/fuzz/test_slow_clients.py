"""Random mixes of slow clients: others are answered beside them."""

import random

import pytest

from tests.deploy.slow_clients import Patterns, ask, attack
from tests.fuzz.amount import factor, seed
from tests.fuzz.conftest import FuzzedService

pytestmark = [pytest.mark.server, pytest.mark.slow]

CONNECTIONS = 600
"""More than two workers have in progress at most."""
SEARCH = b"/api/v1/search"
PATTERNS = Patterns(
    body_path=SEARCH,
    large_path=SEARCH + b"?limit=100&facets=true",
    slow_path=SEARCH + b"?q=engneering+scholership",
    answered_path=b"/api/v1/nothing",
)


def test_no_mix_of_slow_clients_keeps_others_from_being_answered(fuzzed: FuzzedService) -> None:
    rng = random.Random(seed())  # noqa: S311
    for _ in range(factor()):
        feeds = PATTERNS.mixed(rng, CONNECTIONS)
        with attack(fuzzed.server.port, feeds):
            statuses = ask(fuzzed.server.port, "/api/v1/search?q=nursing", times=10)
        assert statuses == [200] * 10, [feed.__name__ for feed in dict.fromkeys(feeds)]
