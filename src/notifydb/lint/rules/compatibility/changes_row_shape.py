"""Finds columns that shift what code gets which does not name its columns."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class ChangesRowShape(Rule):
    """ADD COLUMN on a table, or ADD ATTRIBUTE of a composite type.

    `INSERT INTO ... VALUES` without column names goes on, but `SELECT *` and rows that are unpacked by their
    place have one value more, and a composite type's literals fail. Code that names its columns, as
    SQLAlchemy does, sees nothing: the rule is for teams with other readers, and runs only where it is
    selected.
    """

    name = "changes-row-shape"
    family = "compatibility"
    severity = Severity.INFO
    opt_in = True
    help = """
        Name the columns in the queries of every reader first. Then say that it is so:

        # notifydb: ignore[changes-row-shape] because ...
    """
    bad = (Example('op.add_column("users", sa.Column("nickname", sa.Text))'),)
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer))
            op.add_column("teams", sa.Column("name", sa.Text))
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.facts:
            match fact:
                case facts.AddColumn() if not ctx.is_new(fact.relation, statement):
                    yield self.finding(statement, f"Rows of {fact.relation} have one more column.")
                case facts.AlterObject(kind="type", action=action) if action in _SHAPES:
                    if not objects.is_new("type", fact.name, statement, ctx):
                        yield self.finding(statement, f"Rows of the type {fact.name} have another shape.")
                case _:
                    pass


_SHAPES = {"AddColumn", "DropColumn", "AlterColumnType", "RenameAttribute"}
