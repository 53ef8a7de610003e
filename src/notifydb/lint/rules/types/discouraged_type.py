"""Finds types that are seldom what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement


class DiscouragedType(Rule):
    """char(n), money, timetz, and json in a new table.

    char(n) pads with blanks, and ignores them when it compares; money takes its currency and its precision
    from a setting of the session; an offset without a date, as timetz has, cannot know of summer time
    (Postgres docs sections 8.2, 8.3 and 8.5); json keeps the text and has neither equality nor an index. None
    is an error, so the rule runs only where it is selected.
    """

    name = "discouraged-type"
    family = "types"
    severity = Severity.INFO
    opt_in = True
    help = """
        sa.Column("{column}", {better}, ...)
    """
    bad = (Example('op.add_column("users", sa.Column("country", sa.CHAR(2)))'),)
    good = (
        Example('op.execute("ALTER TABLE users ADD COLUMN country text, ADD COLUMN price numeric(10, 2)")'),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for column in statement.new_columns:
            if column.type.name in _BETTER:
                problem, better = _BETTER[column.type.name]
                yield self.finding(
                    statement,
                    f"{column.relation}.{column.column} is {column.type}: {problem}.",
                    column=column.column,
                    better=better,
                )


_BETTER = {
    "bpchar": ("it pads with blanks", "sa.Text"),
    "money": ("a setting of the session decides what it means", "sa.Numeric"),
    "timetz": ("an offset means nothing without a date", "sa.DateTime(timezone=True)"),
    "json": ("it cannot be compared or indexed", "JSONB"),
}
