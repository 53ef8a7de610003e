"""Finds constraints whose index is built while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind
from notifydb.sql.locks import LockMode


class UniqueConstraintBuildsIndex(Rule):
    """UNIQUE, PRIMARY KEY or EXCLUDE that has to build its index.

    The constraint takes ACCESS EXCLUSIVE and keeps it while the index is built from the whole table. A
    unique index that was built CONCURRENTLY before can be turned into the constraint in an instant (Postgres
    docs, ALTER TABLE, ADD table_constraint_using_index); EXCLUDE has no such way and belongs into a new
    table.
    """

    name = "unique-constraint-builds-index"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns})")
        op.execute("ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {name}")
    """
    exclude_help = """
        There is no other way to add it: make a new table with the constraint, copy the rows over in batches,
        and let the code change over; or add it while nobody works.
    """
    column_help = """
        The bare column first, then its index, then the constraint:

        op.add_column("{table}", sa.Column("{columns}", ...))
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns})")
        op.execute("ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {name}")
    """
    partitioned_help = """
        A partitioned table has no USING INDEX; a unique index does the same and can be made bit by bit:

        op.execute("CREATE UNIQUE INDEX {name} ON ONLY {table} ({columns})")
        with op.get_context().autocommit_block():
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY {name}_1 ON <partition> ({columns})")
        op.execute("ALTER INDEX {name} ATTACH PARTITION {name}_1")
    """
    fix = Fix(
        "build a unique index CONCURRENTLY that becomes the constraint, in a migration of its own",
        safety="safe",
        rewrite=Rewrite.USING_INDEX,
    )
    bad = (
        Example('op.create_unique_constraint("uq_users_email", "users", ["email"])'),
        Example('op.execute("ALTER TABLE users ADD COLUMN login text UNIQUE")'),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_users_email")
                op.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_users_email ON users (email)")
            op.execute("ALTER TABLE users ADD CONSTRAINT uq_users_email UNIQUE USING INDEX uq_users_email")
            """),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.create_unique_constraint("uq_teams_name", "teams", ["name"])
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for table, kind, name, columns in _built(statement):
            if ctx.is_busy(table, statement):
                yield self.finding(
                    statement,
                    f"While the index of the {kind} constraint is built on {table}, every read and write of"
                    " it waits.",
                    instead=self._other_form(statement, table, kind, ctx),
                    table=table,
                    kind=kind.upper(),
                    name=name,
                    columns=", ".join(columns),
                )

    def _other_form(
        self, statement: Statement, table: facts.Relation, kind: ConstraintKind, ctx: RevisionContext
    ) -> str | None:
        """Where USING INDEX is not possible, or not all that is to be done."""
        if kind is ConstraintKind.EXCLUDE:
            return self.exclude_help
        if ctx.is_partitioned(table):
            return self.partitioned_help
        return self.column_help if any(statement.each(facts.AddColumn)) else None


def _built(statement: Statement) -> Iterator[tuple[facts.Relation, ConstraintKind, str, tuple[str, ...]]]:
    for constraint in statement.each(facts.AddConstraint):
        if constraint.kind in _PREFIXES and constraint.using_index is None:
            columns = constraint.columns
            name = constraint.name or "_".join(
                [_PREFIXES[constraint.kind], constraint.relation.name, *columns]
            )
            yield constraint.relation, constraint.kind, name, columns
    for column in statement.each(facts.AddColumn):
        if column.unique or column.primary_key:
            kind = ConstraintKind.PRIMARY_KEY if column.primary_key else ConstraintKind.UNIQUE
            name = f"{_PREFIXES[kind]}_{column.relation.name}_{column.column}"
            yield column.relation, kind, name, (column.column,)


_PREFIXES = {ConstraintKind.UNIQUE: "uq", ConstraintKind.PRIMARY_KEY: "pk", ConstraintKind.EXCLUDE: "ex"}
