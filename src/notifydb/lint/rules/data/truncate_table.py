"""Finds tables that are emptied."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class TruncateTable(Rule):
    """TRUNCATE of a table that is there.

    It takes ACCESS EXCLUSIVE, fires no row triggers, and with CASCADE empties every table that refers to
    this one, whatever its foreign key says of deletes; the catalog names them.
    """

    name = "truncate-table"
    family = "data"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        If the rows may really go, say so beside the operation:

        # notifydb: ignore[truncate-table] because ...
    """
    bad = (Example('op.execute("TRUNCATE users")'),)
    good = (
        Example("""
            op.execute("CREATE TEMPORARY TABLE copied AS SELECT * FROM users LIMIT 0")
            op.execute("TRUNCATE copied")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.Truncate):
            if not ctx.is_new(fact.relation, statement):
                others = _others(fact, ctx) if fact.cascade else ""
                yield self.finding(
                    statement,
                    f"All rows of {fact.relation}{others} are gone, and every read and write waits"
                    " meanwhile.",
                    table=fact.relation,
                )


def _others(fact: facts.Truncate, ctx: RevisionContext) -> str:
    """The tables that CASCADE empties, as the catalog knows them."""
    if ctx.catalog is None:
        return " and of all tables that refer to it"
    found = sorted(map(str, ctx.catalog.reached_by_truncate(fact.relation)))
    return f", and by CASCADE of {', '.join(found)}," if found else ""
