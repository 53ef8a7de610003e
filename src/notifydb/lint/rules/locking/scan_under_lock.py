"""Finds, by running it, whatever reads a table while others wait for it."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace
from notifydb.sql.locks import LockMode


class ScanUnderLock(Rule):
    """A statement that was seen to read a table while its transaction held it against writers.

    No text shows it: a DO block, a function, a helper, a query after an ALTER TABLE of the same transaction, a
    type change that writes no row but tests a CHECK or builds an index for another collation, an ATTACH that
    searches the DEFAULT partition.
    On the shadow database the rows read (`pg_stat_xact_user_tables`) and the locks held (`pg_locks`) do.
    """

    name = "scan-under-lock"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.SHARE
    help = """
        Do the reading in a migration of its own, before the one that takes the lock, or find the form of
        the statement that Postgres can do without reading: `notifydb rules` lists them by statement.
    """
    bad = (
        Example(
            """
            op.execute("DO $$ BEGIN ALTER TABLE users ALTER COLUMN email SET NOT NULL; END $$")
            """,
            trace_only=True,
        ),
        Example(
            """
            op.add_column("users", sa.Column("nickname", sa.Text))
            op.get_bind().execute(sa.text("SELECT count(*) FROM users WHERE logins > 5"))
            """,
            trace_only=True,
        ),
        Example("""op.execute('ALTER TABLE users ALTER email TYPE text COLLATE "C"')""", trace_only=True),
        Example(
            """
            op.execute("CREATE TABLE events_2 (LIKE events)")
            op.execute("ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (-9) TO (-8)")
            """,
            before=(
                """
                op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
                op.execute("CREATE TABLE events_rest PARTITION OF events DEFAULT")
                """,
            ),
            trace_only=True,
        ),
    )
    good = (
        Example("""
            op.execute("DO $$ BEGIN ALTER TABLE users ADD COLUMN nickname text; END $$")
            """),
        Example('op.get_bind().execute(sa.text("SELECT count(*) FROM users WHERE logins > 5"))'),
    )

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:
        for table, rows in (trace.scanned or {}).items():
            mode = trace.lock_on(table)
            if mode is None or mode <= LockMode.SHARE_UPDATE_EXCLUSIVE or table in trace.rewritten:
                continue
            if rows >= ctx.options.notable_rows and not ctx.is_small(table):
                yield self.finding(
                    statement,
                    f"It reads {rows:,} rows of {table} while its transaction holds {mode}:"
                    f" {mode.waits.replace('the table', str(table))}.",
                )
