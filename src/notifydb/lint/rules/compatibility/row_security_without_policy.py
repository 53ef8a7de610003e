"""Finds tables whose rows vanish for everybody but their owner."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode


class RowSecurityWithoutPolicy(Rule):
    """ROW LEVEL SECURITY without a policy that allows something.

    Where row security is on and no permissive policy applies, everybody but the table's owner sees no row and
    can write none (Postgres docs section 5.9, "default-deny"). A shadow database runs everything as the
    owner, so no test of the migration shows it.
    """

    name = "row-security-without-policy"
    family = "compatibility"
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Make the policy in the same transaction, before it is needed:

        op.execute("CREATE POLICY ... ON {table} USING (...)")
        op.execute("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    """
    bad = (Example('op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")'),)
    good = (
        Example("""
            op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
            op.execute("CREATE POLICY everybody ON users USING (true)")
            """),
        Example(
            """
            op.execute("DROP POLICY everybody ON users")
            op.execute("CREATE POLICY active ON users USING (logins > 0)")
            """,
            before=(
                BASELINE,
                """
                op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
                op.execute("CREATE POLICY everybody ON users USING (true)")
                """,
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for table in _denied(statement, ctx):
            if not ctx.is_new(table, statement):
                yield self.finding(
                    statement,
                    f"Everybody but the owner of {table} sees none of its rows, and can write none.",
                    table=table,
                )


def _denied(statement: Statement, ctx: RevisionContext) -> Iterator[Relation]:
    """The tables that this statement leaves with row security and, when all is done, without a policy."""
    for fact in statement.facts:
        match fact:
            case facts.AlterTable(action="EnableRowSecurity"):
                if not _policies(fact.relation, ctx):
                    yield fact.relation
            case facts.DropObject(kind="policy", relation=Relation() as table):
                entry = ctx.catalog.row_security.get(table.key) if ctx.catalog else None
                if entry and entry.enabled and fact.name.name in entry.policies and not _policies(table, ctx):
                    yield table
            case _:
                pass


def _policies(table: Relation, ctx: RevisionContext) -> set[str]:
    """The names of the policies at the end of the revision."""
    entry = ctx.catalog.row_security.get(table.key) if ctx.catalog else None
    found = set(entry.policies) if entry else set()
    for each in ctx.statements:
        for fact in each.facts:
            match fact:
                case facts.CreateObject(kind="policy", relation=Relation() as own) if own.key == table.key:
                    found.add(fact.name.name)
                case facts.DropObject(kind="policy", relation=Relation() as own) if own.key == table.key:
                    found.discard(fact.name.name)
                case _:
                    pass
    return found
