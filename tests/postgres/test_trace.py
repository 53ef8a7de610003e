"""What the trace sees of one migration on a real server, and at which line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb import errors
from notifydb.findings import Report
from notifydb.lint.engine import Progress, lint
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.options import Options
from notifydb.lint.probe import Observed, observe
from notifydb.lint.trace import Trace
from notifydb.migrator.config import Project
from notifydb.postgres.sizes import TableSize
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode

pytestmark = pytest.mark.postgres
USERS = Relation("users", "public")
Observe = Callable[[Example], Observed]


@pytest.fixture
def observed(tmp_path: Path, server_url: str) -> Observe:
    """Runs an example on a shadow and returns all that was seen of it."""

    def run(example: Example) -> Observed:
        revision = example.write(tmp_path)
        project = Project(tmp_path, tmp_path / "migrations")
        history = read_history(project.versions)
        shadows = Shadows(server_url, project, history, keep=100)
        return observe(shadows, project, history.revisions[revision], rows=1000)

    return run


def _only(seen: Observed) -> Trace:
    (execution,) = seen.executions
    assert execution.trace is not None
    return execution.trace


def test_an_index_build_reads_the_table_under_share(observed: Observe) -> None:
    trace = _only(observed(Example('op.create_index("i", "users", ["name"])')))
    assert trace.scanned_on(USERS) == 1000
    assert trace.lock_on(USERS) is LockMode.SHARE
    assert (trace.rewritten, trace.dropped, trace.filled) == ((), (), True)
    assert trace.wal_bytes > 0
    assert trace.duration_ms > 0


def test_a_new_table_does_not_count(observed: Observe) -> None:
    seen = observed(Example('op.execute("CREATE TABLE a (id int); ALTER TABLE a ADD b serial")'))
    assert (_only(seen).locks, _only(seen).rewritten) == ((), ())


def test_a_rewrite_is_seen_and_a_truncate_is_none(observed: Observe) -> None:
    seen = observed(
        Example("""
            op.execute("ALTER TABLE organizations ALTER id TYPE bigint")
            op.execute("TRUNCATE users")
            """)
    )
    first, second = (execution.trace for execution in seen.executions)
    assert first is not None
    assert second is not None
    assert [relation.name for relation in first.rewritten] == ["organizations"]
    assert second.rewritten == ()
    assert second.lock_on(USERS) is LockMode.ACCESS_EXCLUSIVE


def test_a_dropped_table_keeps_its_name_and_lock(observed: Observe) -> None:
    trace = _only(observed(Example('op.drop_table("users")')))
    assert trace.dropped == (USERS,)
    assert trace.lock_on(USERS) is LockMode.ACCESS_EXCLUSIVE


def test_updates_are_counted_statement_by_statement(observed: Observe) -> None:
    seen = observed(
        Example("""
            op.execute("UPDATE users SET logins = 1 WHERE id <= 10")
            op.execute("DELETE FROM users WHERE id <= 5")
            op.execute("INSERT INTO organizations SELECT id + 100000, 'x' FROM users WHERE id < 20")
            """)
    )
    traces = [execution.trace for execution in seen.executions]
    assert [trace and trace.changed_on(USERS) for trace in traces] == [10, 5, 0]


def test_locks_are_kept_to_the_end_of_the_transaction(observed: Observe) -> None:
    seen = observed(
        Example("""
            op.add_column("users", sa.Column("a", sa.Text))
            op.execute("SELECT 1")
            with op.get_context().autocommit_block():
                op.execute("SELECT 2")
            op.execute("SELECT 3")
            """)
    )
    held = [bool(execution.trace and execution.trace.held) for execution in seen.executions]
    assert held == [True, True, False, False]
    assert [execution.transaction for execution in seen.executions] == [1, 1, None, 2]


def test_a_concurrent_build_is_sampled_from_outside(observed: Observe) -> None:
    """The scan is certain (its counts are flushed), the lock is what polling catches."""
    trace = _only(
        observed(
            Example("""
                with op.get_context().autocommit_block():
                    op.create_index("i", "users", ["name"], postgresql_concurrently=True)
                """)
        )
    )
    assert trace.sampled
    assert (trace.scanned_on(USERS) or 0) >= 1000
    assert trace.lock_on(USERS) in (None, LockMode.SHARE_UPDATE_EXCLUSIVE)


def test_a_raw_commit_leaves_the_transaction(observed: Observe) -> None:
    seen = observed(
        Example("""
            op.execute("COMMIT")
            op.execute("CREATE INDEX CONCURRENTLY i ON users (name)")
            """)
    )
    assert seen.error is None
    assert [execution.failure for execution in seen.executions] == [None, None]
    assert seen.executions[1].transaction is None


def test_a_failed_concurrent_build_leaves_an_invalid_index(observed: Observe) -> None:
    seen = observed(
        Example(
            """
            with op.get_context().autocommit_block():
                op.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON users (name)")
            """,
            before=(BASELINE, "op.execute(\"INSERT INTO users (name) VALUES ('same'), ('same')\")"),
        )
    )
    (execution,) = seen.executions
    assert (execution.failure and execution.failure.sqlstate, seen.error) == ("23505", None)
    assert execution.trace is not None
    assert [index.name for index in execution.trace.invalid_indexes] == ["i"]


def test_a_failure_that_the_migration_catches_is_none_of_its_own(observed: Observe) -> None:
    """The last one is what it failed of, told once."""
    seen = observed(
        Example("""
            for attempt in ("first", "second"):
                try:
                    with op.get_bind().begin_nested():
                        op.execute(f"SELECT {attempt}")
                except sa.exc.ProgrammingError:
                    op.execute("SELECT 1")
            raise RuntimeError("neither")
            """)
    )
    failures = [execution.failure for execution in seen.executions if execution.failure]
    assert [failure.survived for failure in failures] == [True, True]
    assert seen.error is not None
    assert seen.error.endswith("RuntimeError: neither")


def test_the_call_chain_leads_from_the_migration_into_helpers(observed: Observe, tmp_path: Path) -> None:
    seen = observed(
        Example(
            """
            for name in ("a", "b"):
                add(
                    name,
                )
            """,
            imports="from helping import add",
            application={
                "helping.py": """\
                    from alembic import op
                    import sqlalchemy as sa

                    def add(name):
                        with op.batch_alter_table("users") as batch:
                            batch.add_column(sa.Column(name, sa.Text))
                    """
            },
        )
    )
    places = [
        [(frame.path.name, frame.line, frame.end_line) for frame in execution.frames]
        for execution in seen.executions
    ]
    expected = ("0002_example.py", 15, 17)
    assert [place[0] for place in places] == [expected] * 2
    assert {place[-1][0] for place in places} == {"helping.py"}


def test_sessions_and_parameters_are_captured(observed: Observe) -> None:
    seen = observed(
        Example("""
            from sqlalchemy.orm import Session
            session = Session(bind=op.get_bind())
            session.execute(sa.text("UPDATE users SET name = :name WHERE id = :id"), {"name": "O'Neil", "id": 7})
            """)
    )
    (execution,) = seen.executions
    assert "O''Neil" in execution.sql
    assert execution.frames[0].line == 15


def test_rows_fit_enums_checks_keys_and_domains(observed: Observe) -> None:
    """A table with all that can stand in the way is filled, and so is what it refers to."""
    seen = observed(
        Example(
            'op.create_index("i", "picky", ["kind"])',
            before=(
                BASELINE,
                """
                op.execute("CREATE TYPE kind AS ENUM ('a', 'b')")
                op.execute("CREATE DOMAIN short AS text CHECK (length(VALUE) < 40)")
                op.execute(
                    '''
                    CREATE TABLE "group" (id uuid PRIMARY KEY, parent uuid REFERENCES "group", name text UNIQUE);
                    CREATE TABLE picky (
                        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                        group_id uuid NOT NULL REFERENCES "group", kind kind NOT NULL, code short NOT NULL,
                        state text NOT NULL CHECK (state IN ('on', 'off')), days int CHECK (days BETWEEN 3 AND 90),
                        rate numeric(4, 2) NOT NULL, tags text[] NOT NULL, body jsonb NOT NULL, at date NOT NULL,
                        twice int GENERATED ALWAYS AS (days * 2) STORED, "Mixed Case" varchar(5) NOT NULL,
                        UNIQUE (group_id, kind), mood kind CHECK (mood = 'a' OR state = 'on'),
                        one text, other uuid REFERENCES "group", CHECK ((one IS NULL) <> (other IS NULL))
                    );
                    '''
                )
                """,
            ),
        )
    )
    assert seen.skipped == ()
    assert (_only(seen).rows_of(Relation("picky")) or 0) >= 1000


def test_a_table_that_cannot_be_filled_is_told(observed: Observe) -> None:
    seen = observed(
        Example(
            'op.create_index("i", "odd", ["id"])',
            before=('op.execute("CREATE TABLE odd (id int NOT NULL CHECK (id * id = 50))")',),
        )
    )
    assert [(each.level, each.subject) for each in seen.skipped] == [("trace", "0002_example: odd")]


def test_what_fails_only_with_rows_is_told_and_traced_without(observed: Observe) -> None:
    seen = observed(
        Example("""
            op.execute("UPDATE users SET name = 'same' WHERE id > 0")
            op.execute("CREATE UNIQUE INDEX i ON users (name)")
            op.execute("SELECT 1")
            """)
    )
    second, third = seen.executions[1:]
    assert second.failure is not None
    assert second.failure.with_rows_only
    assert third.trace is not None
    assert not third.trace.filled
    assert "with them (2)" in seen.skipped[0].reason


def test_a_downgrade_runs_on_what_upgrade_left(tmp_path: Path, server_url: str) -> None:
    """Where it refuses nothing is said, though it has done something before."""
    body = 'op.execute("CREATE TABLE teams (id int); CREATE INDEX i ON teams (id)")'
    example = Example(body, downgrade='op.execute("DROP INDEX i")\nif op:\n    raise ValueError("enough")')
    assert _lint(example, tmp_path / "refuses", server_url).findings == ()
    example = Example(body, downgrade='op.execute("DROP INDEX i")')
    (finding,) = _lint(example, tmp_path / "leaves", server_url).findings
    assert (finding.rule, finding.source, finding.location.line) == ("downgrade-incomplete", "trace", 16)
    assert finding.message.endswith("was: table teams is left behind.")


def test_a_failing_parent_is_no_finding(tmp_path: Path, server_url: str) -> None:
    example = Example("pass", before=('op.execute("SELECT nothing")',))
    with pytest.raises(errors.MigrationFailed):
        _lint(example, tmp_path, server_url)


def test_without_a_shadow_the_report_says_so(tmp_path: Path) -> None:
    report = _lint(Example('op.create_index("i", "users", ["name"])'), tmp_path, None)
    assert [finding.status for finding in report.findings] == ["static"]
    assert [(each.level, each.reason) for each in report.skipped] == [("trace", "no server here")]


def test_the_trace_can_be_demanded(tmp_path: Path) -> None:
    with pytest.raises(errors.ShadowUnavailable, match="no server here"):
        _lint(Example("pass"), tmp_path, None, Options(mode="trace"))


def test_a_refuted_suspicion_does_not_fail(tmp_path: Path, server_url: str) -> None:
    report = _lint(Example('op.alter_column("users", "name", type_=sa.Text)'), tmp_path, server_url)
    assert not report.failed
    assert [finding.rule for finding in report.refuted] == ["alter-column-type-rewrite"]


def test_a_small_table_is_not_worth_a_finding(tmp_path: Path, server_url: str) -> None:
    example = Example('op.create_index("i", "users", ["name"])')
    options = Options(production={"public.users": TableSize(200)})
    assert _lint(example, tmp_path, server_url, options).findings == ()


def test_few_rows_do_not_make_the_trace_blind(tmp_path: Path, server_url: str) -> None:
    example = Example('op.execute("DO $$ BEGIN ALTER TABLE users ALTER email SET NOT NULL; END $$")')
    report = _lint(example, tmp_path, server_url, Options(rows=50))
    assert [(each.rule, each.status) for each in report.findings] == [("scan-under-lock", "raised")]


def test_no_rows_are_told(tmp_path: Path, server_url: str) -> None:
    report = _lint(Example('op.drop_index("ix_users_email")'), tmp_path, server_url, Options(rows=0))
    assert [each.reason for each in report.skipped] == ["traced without rows, because none were asked for"]


def test_a_suppressed_scan_is_not_raised_again(tmp_path: Path, server_url: str) -> None:
    example = Example("""
        # notifydb: ignore[create-index-not-concurrent] because it runs in the maintenance window
        op.create_index("i", "users", ["name"])
        """)
    assert _lint(example, tmp_path, server_url).findings == ()


def _lint(example: Example, root: Path, server_url: str | None, options: Options | None = None) -> Report:
    revision = example.write(root)
    project = Project(root, root / "migrations")
    history = read_history(project.versions)
    shadows = Shadows(server_url, project, history, keep=100) if server_url else None
    told: list[Progress] = []
    report = lint(
        history, [revision], project,
        shadows=shadows, options=options, no_shadow="no server here", listen=told.append,
    )  # fmt: skip
    assert told == [Progress(revision, 1, 1)]
    return report
