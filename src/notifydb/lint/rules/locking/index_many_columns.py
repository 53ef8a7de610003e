"""Finds indexes with many columns."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class IndexManyColumns(Rule):
    """An index on more than three columns that is not unique.

    It is rarely of more use than one on the first columns alone, and every insert, and every update of one of
    its columns, has to write it (Postgres docs section 11.3: "more than three columns are unlikely to be
    helpful").
    """

    name = "index-many-columns"
    family = "locking"
    severity = Severity.WARNING
    opt_in = True
    help = """
        Leave the columns out that hardly narrow the search; what is only to be read from the index is INCLUDEd:

        op.create_index("{index}", "{table}", [{columns}], postgresql_include=[...])
    """
    bad = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_all")
                op.execute("CREATE INDEX CONCURRENTLY ix_users_all ON users (email, name, logins, id)")
            """),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_all")
                op.execute("CREATE INDEX CONCURRENTLY ix_users_all ON users (email, name) INCLUDE (logins, id)")
            """),
        Example("""
            op.create_table("teams", *(sa.Column(name, sa.Text) for name in "abcd"))
            op.create_index("ix_teams", "teams", ["a", "b", "c", "d"], unique=True)
            """),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.CreateIndex):
            if len(fact.columns) > _MANY and not fact.unique:
                yield self.finding(
                    statement,
                    f"Whatever is written to {fact.relation} is written to an index of"
                    f" {len(fact.columns)} columns, too.",
                    index=fact.index or f"ix_{fact.relation.name}",
                    table=fact.relation,
                    columns=", ".join(f'"{column}"' for column in fact.columns[:_MANY]),
                )


_MANY = 3
