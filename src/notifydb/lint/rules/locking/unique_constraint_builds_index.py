"""Finds constraints whose index is built while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
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
                    table=table,
                    kind=kind.upper(),
                    name=name,
                    columns=", ".join(columns),
                )


_INDEXED = (facts.ConstraintKind.UNIQUE, facts.ConstraintKind.PRIMARY_KEY, facts.ConstraintKind.EXCLUDE)


def _built(statement: Statement) -> Iterator[tuple[facts.Relation, str, str, tuple[str, ...]]]:
    for constraint in statement.each(facts.AddConstraint):
        if constraint.kind in _INDEXED and constraint.using_index is None:
            name = constraint.name or f"uq_{constraint.relation.name}"
            yield constraint.relation, constraint.kind.value, name, constraint.columns
    for column in statement.each(facts.AddColumn):
        if column.unique or column.primary_key:
            kind = "primary key" if column.primary_key else "unique"
            yield column.relation, kind, f"uq_{column.relation.name}_{column.column}", (column.column,)
