"""What the trace measures, where it is not plain: partitions, views with rows, functions, what follows a COMMIT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb.lint.example import BASELINE, Example
from notifydb.lint.probe import observe
from notifydb.lint.trace import Trace
from notifydb.migrator.config import Project
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode

pytestmark = pytest.mark.postgres
Traced = Callable[[Example], list[Trace]]
USERS, EVENTS, MARCH = Relation("users", "public"), Relation("events", "public"), Relation("march", "public")
_PARTITIONED = """
op.execute(
    "CREATE TABLE events (id int NOT NULL, note text) PARTITION BY RANGE (id);"
    "CREATE TABLE march PARTITION OF events FOR VALUES FROM (1) TO (1000000) PARTITION BY RANGE (id);"
    "CREATE TABLE first PARTITION OF march FOR VALUES FROM (1) TO (1000000)"
)
"""


@pytest.fixture
def traced(tmp_path: Path, server_url: str) -> Traced:
    def run(example: Example) -> list[Trace]:
        revision = example.write(tmp_path)
        project = Project(tmp_path, tmp_path / "migrations")
        history = read_history(project.versions)
        shadows = Shadows(server_url, project, history, keep=100)
        seen = observe(shadows, project, history.revisions[revision], rows=1000)
        assert (seen.error, seen.skipped) == (None, ())
        return [each.trace for each in seen.executions if each.trace]

    return run


def test_what_partitions_do_is_the_whole_tables(traced: Traced) -> None:
    counted, rewritten, updated = traced(
        Example(
            """
            op.execute("ALTER TABLE events ALTER note SET NOT NULL")
            op.execute("ALTER TABLE events ADD key uuid DEFAULT gen_random_uuid()")
            op.execute("UPDATE march SET note = 'x' WHERE id <= 10")
            """,
            before=(_PARTITIONED,),
        )
    )
    assert counted.scanned_on(EVENTS) == counted.scanned_on(MARCH) == 1000
    assert counted.lock_on(MARCH) is LockMode.ACCESS_EXCLUSIVE
    assert rewritten.is_rewritten(EVENTS)
    assert [str(each) for each in rewritten.rewritten] == ["first"]
    assert not counted.is_rewritten(EVENTS)
    assert updated.changed_on(EVENTS) == 10


def test_a_refresh_reads_the_table_and_writes_the_view_anew(traced: Traced) -> None:
    (trace,) = traced(
        Example(
            'op.execute("REFRESH MATERIALIZED VIEW names")',
            before=(BASELINE, 'op.execute("CREATE MATERIALIZED VIEW names AS SELECT name FROM users")'),
        )
    )
    assert trace.lock_on(Relation("names", "public")) is LockMode.ACCESS_EXCLUSIVE
    assert [str(each) for each in trace.rewritten] == ["names"]
    assert trace.scanned_on(USERS) == 1000


def test_functions_and_blocks_count_by_what_they_do(traced: Traced) -> None:
    """Also one that another calls, and what a trigger does."""
    called, block = traced(
        Example(
            """
            op.execute("SELECT outer_one()")
            op.execute(
                "DO $$ BEGIN EXECUTE 'DROP TABLE organizations'; UPDATE users SET logins = 1 WHERE id < 6; END $$"
            )
            """,
            before=(
                BASELINE,
                '''
                op.execute(
                    """
                    CREATE FUNCTION inner_one() RETURNS void LANGUAGE plpgsql AS $$
                    BEGIN ALTER TABLE users ALTER logins TYPE bigint; END $$;
                    CREATE FUNCTION outer_one() RETURNS void LANGUAGE sql AS 'SELECT inner_one()';
                    """
                )
                ''',
            ),
        )
    )
    assert (called.rewritten, called.lock_on(USERS)) == ((USERS,), LockMode.ACCESS_EXCLUSIVE)
    assert ([str(each) for each in block.dropped], block.changed_on(USERS)) == (["organizations"], 5)


def test_counts_begin_anew_outside_of_a_transaction_and_after_a_commit(traced: Traced) -> None:
    """Each statement's counts are its own, whichever way it was committed, and so is the timeout in force."""
    traces = traced(
        Example("""
            op.execute("SET lock_timeout = '3s'")
            op.execute("UPDATE users SET logins = 1 WHERE id <= 7")
            with op.get_context().autocommit_block():
                op.execute("UPDATE users SET logins = 2 WHERE id <= 5")
                op.execute("UPDATE users SET logins = 3 WHERE id <= 3")
            op.execute("SET LOCAL lock_timeout = '1s'")
            op.execute("UPDATE users SET logins = 4 WHERE id <= 2")
            op.execute("COMMIT")
            op.execute("UPDATE users SET logins = 5 WHERE id <= 1")
            op.execute("VACUUM FULL users")
            """)
    )
    assert [each.changed_on(USERS) for each in traces] == [0, 7, 5, 3, 0, 2, 0, 1, 0]
    assert [each.lock_timeout for each in traces] == ["0", "3s", "3s", "3s", "3s", "1s", "1s", "3s", "3s"]
    assert [bool(each.rewritten) for each in traces] == [False] * 8 + [True]
    assert all(each.wal_bytes > 0 for each in traces if each.changed_on(USERS))
