"""Finds keys that run out of numbers."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement


class PreferBigintKey(Rule):
    """A primary key, serial or identity column of 4 or 2 bytes.

    integer ends at 2,147,483,647, and a sequence spends numbers on failed inserts too. When it is spent,
    every insert fails, and the change to bigint rewrites the table and those that refer to it. In a row of
    the usual length the other four bytes cost little. The rule runs only where it is selected.
    """

    name = "prefer-bigint-key"
    family = "types"
    severity = Severity.INFO
    opt_in = True
    help = """
        sa.Column("{column}", sa.BigInteger, ...)
    """
    bad = (Example('op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))'),)
    good = (
        Example("""
            op.create_table(
                "teams",
                sa.Column("id", sa.BigInteger, primary_key=True),
                sa.Column("size", sa.Integer),
            )
            """),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for column in statement.new_columns:
            is_key = column.primary_key or column.serial or column.identity
            if is_key and column.type.name in _SMALL and not column.type.array:
                yield self.finding(
                    statement,
                    f"{column.relation}.{column.column} runs out of numbers at {_SMALL[column.type.name]:,}.",
                    column=column.column,
                )


_SMALL = {
    "int4": 2**31 - 1,
    "serial": 2**31 - 1,
    "serial4": 2**31 - 1,
    "int2": 2**15 - 1,
    "serial2": 2**15 - 1,
    "smallserial": 2**15 - 1,
}
