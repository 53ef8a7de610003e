"""Finds inserts that give numbers which a sequence will give again."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation


class InsertExplicitId(Rule):
    """INSERT of constants into a column that has a sequence of its own (serial, identity).

    The sequence does not learn of them. When it comes to the same number, the insert of the application fails
    on a duplicate key: for a new table with the very first one. Columns of new tables are known from the
    migration, others from the catalog.
    """

    name = "insert-explicit-id"
    family = "data"
    severity = Severity.WARNING
    help = """
        Leave {column} out, or set the sequence when the rows are there:

        op.execute(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"
        )

        For numbers that only migrations give, make the column without a sequence:

        sa.Column("{column}", sa.Integer, primary_key=True, autoincrement=False)
    """
    bad = (
        Example("""
            op.create_table("kinds", sa.Column("id", sa.Integer, primary_key=True))
            op.execute("INSERT INTO kinds (id) VALUES (1), (2)")
            """),
    )
    good = (
        Example("""
            op.create_table("kinds", sa.Column("id", sa.Integer, primary_key=True))
            op.execute("INSERT INTO kinds (id) VALUES (1), (2)")
            op.execute("SELECT setval(pg_get_serial_sequence('kinds', 'id'), max(id)) FROM kinds")
            """),
        Example("""
            op.create_table(
                "kinds",
                sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
                sa.Column("name", sa.Text),
            )
            op.execute("INSERT INTO kinds (id, name) VALUES (1, 'email'), (2, 'sms')")
            op.execute("INSERT INTO users (name) VALUES ('somebody')")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.ChangeRows):
            for column in fact.constants:
                if not _is_numbered(fact.relation, column, statement, ctx):
                    continue
                if not _is_moved_on(fact.relation, column, statement, ctx):
                    yield self.finding(
                        statement,
                        f"The sequence of {fact.relation}.{column} will give these numbers again: inserts of"
                        " the application then fail on a duplicate key.",
                        table=fact.relation,
                        column=column,
                    )


def _is_numbered(relation: Relation, column: str, statement: Statement, ctx: RevisionContext) -> bool:
    entry = ctx.catalog.column(relation, column) if ctx.catalog else None
    if entry is not None:
        return entry.numbered
    return any(
        (made.serial or made.identity) and made.column == column and made.relation.key == relation.key
        for fact in ctx.facts_before(statement, facts.CreateTable, facts.AddColumn)
        for made in (fact.columns if isinstance(fact, facts.CreateTable) else (fact,))
        if isinstance(made, facts.AddColumn)
    )


def _is_moved_on(relation: Relation, column: str, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether this revision sets the sequence afterwards, or throws the rows or the column away."""
    return any(
        (isinstance(fact, facts.SetSequence) and _is_of(fact, relation, column))
        or (isinstance(fact, facts.DropTable) and fact.relation.key == relation.key)
        for each in ctx.statements[statement.index + 1 :]
        for fact in each.facts
    )


def _is_of(fact: facts.SetSequence, relation: Relation, column: str) -> bool:
    """A sequence is named after its table and column; one whose name is computed may be any."""
    if fact.relation is not None:
        return fact.relation.key == relation.key and fact.column == column
    return fact.sequence is None or fact.sequence.name == f"{relation.name}_{column}_seq"
