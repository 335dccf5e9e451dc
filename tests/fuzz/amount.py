"""How much is sent, and from which seed: `FUZZ_FACTOR` and `FUZZ_SEED`, which `make fuzz` sets."""

import os
import random


def factor() -> int:
    """How many times the bounded run of the ordinary suite."""
    return int(os.environ.get("FUZZ_FACTOR", "1"))


def seed() -> int:
    """The same in all processes of a run: the first one leaves it to the others."""
    if "FUZZ_SEED" not in os.environ:
        os.environ["FUZZ_SEED"] = str(random.SystemRandom().randrange(1_000_000))
    return int(os.environ["FUZZ_SEED"])
