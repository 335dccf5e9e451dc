"""The number of requests and the seed: `FUZZ_FACTOR` and `FUZZ_SEED`, which `make fuzz` sets."""

import os
import random
from typing import Final

from hypothesis import HealthCheck, settings


def factor() -> int:
    """Factor for the number of requests; 1 in the ordinary test suite."""
    return int(os.environ.get("FUZZ_FACTOR", "1"))


def seed() -> int:
    """The seed, which all processes of a run share."""
    if "FUZZ_SEED" not in os.environ:
        os.environ["FUZZ_SEED"] = str(random.SystemRandom().randrange(1_000_000))
    return int(os.environ["FUZZ_SEED"])


EXAMPLES: Final = 60
FUZZ: Final = settings(
    max_examples=EXAMPLES * factor(),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""The settings of a generated test."""
