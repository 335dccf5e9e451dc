"""The rows of the bundled catalogue."""

import functools
import importlib.resources
import json
from collections.abc import Iterator
from typing import Any, Final

Award = dict[str, Any]

BUNDLED_CATALOGUE: Final = (
    importlib.resources.files("scholarship_api.sample_data") / "catalogue.ndjson"
)


@functools.cache
def awards() -> list[Award]:
    return [json.loads(line) for line in BUNDLED_CATALOGUE.read_text(encoding="utf-8").splitlines()]


def criteria_sets(award: Award) -> Iterator[dict[str, Any]]:
    """The sets of an award's criteria."""
    yield from award.get("eligibility_sets") or [award.get("eligibility_criteria", {})]
