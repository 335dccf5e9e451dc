"""The awards of the sample catalogue."""

import json
from typing import Any, Final

from scholarship_api.catalogue.cli import BUNDLED_CATALOGUE

SAMPLE: Final[dict[str, dict[str, Any]]] = {
    award["id"]: award
    for award in map(json.loads, BUNDLED_CATALOGUE.read_text("utf-8").splitlines())
}
"""The awards of the sample catalogue by id."""
