"""The schema revisions that this code knows, by the files of the migrations.

Read without Alembic: every worker asks when it starts, and Alembic would cost each 7 MB.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[2]

INSTALLED: Final = _PACKAGE / "alembic"
LOCATION: Final = INSTALLED if INSTALLED.is_dir() else _PACKAGE.parent / "alembic"
"""The folder of the migrations: in the wheel, or beside the package."""


def known() -> frozenset[str]:
    """Every revision; a migration's file is named `<revision>_<what it does>.py`."""
    return frozenset(path.name.partition("_")[0] for path in LOCATION.glob("versions/*_*.py"))


def head() -> str:
    """The newest one: revisions are numbered, and follow each other in one line."""
    return max(known())
