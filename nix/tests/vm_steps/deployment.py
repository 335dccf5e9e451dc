"""The settings and secrets of the API, which the .nix files read from deployment.json too."""

import json
from pathlib import Path
from typing import Any, Final

_READ: Final = json.loads(Path(__file__).with_suffix(".json").read_text())

SETTINGS: Final[dict[str, Any]] = _READ["settings"]
SECRETS: Final[dict[str, str]] = _READ["secrets"]
PASSWORDS: Final[dict[str, str]] = _READ["passwords"]
ORIGIN: Final[str] = SETTINGS["CORS_ALLOWED_ORIGINS"][0]
