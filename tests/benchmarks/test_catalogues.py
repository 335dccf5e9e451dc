"""A kept catalogue is migrated, or reported as outdated."""

from benchmarks.catalogues import first_edited, migration_hashes
from scholarship_api.platform.database.revisions import head


def test_a_new_migration_does_not_outdate_a_catalogue() -> None:
    assert first_edited({"0001_a.py": "1"}, {"0001_a.py": "1", "0002_b.py": "2"}) is None


def test_the_first_edited_or_removed_migration_is_found() -> None:
    applied = {"0001_a.py": "1", "0002_b.py": "2", "0003_c.py": "3"}
    assert first_edited(applied, {**applied, "0003_c.py": "4", "0002_b.py": "5"}) == "0002_b.py"
    assert first_edited(applied, {"0001_a.py": "1", "0002_b.py": "2"}) == "0003_c.py"


def test_the_names_of_migrations_begin_with_their_revisions_in_order() -> None:
    assert list(migration_hashes())[-1].partition("_")[0] == head()
