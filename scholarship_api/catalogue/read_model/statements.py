"""The statements that the read model is loaded and kept up to date with."""

from typing import Final

from scholarship_api.catalogue.models import INDEXED_COLUMNS
from scholarship_api.catalogue.read_model.records import RECORD

_HISTORY: Final = """(SELECT system_identifier FROM pg_control_system())
    || ' ' || CASE WHEN pg_is_in_recovery() THEN 'standby'
                   ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END
    || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())"""
"""Which history the transactions belong to: the cluster, its timeline, and the database. After a
failover, or when a backup was restored, numbers of transactions stand for others than before."""

_STATE: Final = f"""(SELECT coalesce(sum(number), 0) FROM catalogue_versions)
    AS state, pg_current_snapshot() AS snapshot, {_HISTORY} AS history"""  # noqa: S608 - of literals

STATE: Final = f"SELECT {_STATE}"
"""The state that `CHANGES` goes on from."""

ALL: Final = f"COPY (SELECT {RECORD} FROM scholarships AS s WHERE s.status = 'published') TO STDOUT"  # noqa: S608 - a literal
"""Every published award; to be read in one snapshot with STATE."""

_INDEXED: Final = ", ".join(f"'{name}'" for name in INDEXED_COLUMNS)
"""The columns whose words are searched, as literals."""

MAX_CHANGES: Final = 50_000
"""Changed awards that are read at once, 300 bytes and 20 us each. After more of them the whole
model is read anew."""

# A change is new when its transaction was not yet committed in the snapshot of the last read. The
# upper bound leaves out transactions that this cluster has not had: those of a dump of another one.
CHANGES: Final = f"""
WITH present AS (
    SELECT {_STATE}
), changed AS (
    SELECT scholarship_id AS id,
        bool_or(action = 'deleted' OR coalesce(before ?| ARRAY[{_INDEXED}], false)) AS is_reworded,
        count(*) AS steps
    FROM scholarship_changes, present
    WHERE written_in >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)::text::bigint
      AND written_in < pg_snapshot_xmax(present.snapshot)::text::bigint
      AND NOT pg_visible_in_snapshot(written_in::text::xid8, %(snapshot)s::pg_snapshot)
    GROUP BY scholarship_id
    LIMIT {MAX_CHANGES + 1}
)
SELECT present.state::text, present.snapshot::text, present.history, (
    SELECT count(*) FROM catalogue_versions
    WHERE NOT pg_visible_in_snapshot(reset_in::text::xid8, %(snapshot)s::pg_snapshot)
)::text FROM present
UNION ALL
SELECT changed.id, CASE WHEN s.id IS NOT NULL THEN {RECORD}::text END,
    changed.is_reworded::text, changed.steps::text
FROM changed LEFT JOIN scholarships AS s ON s.id = changed.id AND s.status = 'published'
"""  # noqa: S608 - of literals
"""The state, then each award that was changed since %(snapshot)s: its id, what it is now, whether
its words may be others than they were, and in how many steps it has changed."""
