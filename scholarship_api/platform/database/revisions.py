"""The schema revisions that this code knows, read from the file names of the migrations.

Every worker needs them when it starts, and importing Alembic would cost each worker 7 MB.
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
    """The newest revision: revisions are numbered and form one line without branches."""
    return max(known())
