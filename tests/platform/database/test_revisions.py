"""The files of the migrations say the same as Alembic."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from scholarship_api.platform.database import revisions


def test_file_names_begin_with_their_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(revisions.LOCATION))
    scripts = ScriptDirectory.from_config(config)
    assert revisions.known() == {script.revision for script in scripts.walk_revisions()}
    assert [revisions.head()] == scripts.get_heads()
