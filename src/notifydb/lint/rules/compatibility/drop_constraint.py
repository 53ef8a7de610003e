"""Finds guarantees that are given up."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropConstraint(Rule):
    """DROP CONSTRAINT of a foreign key, a CHECK or an EXCLUDE.

    Code that relies on it (on ON DELETE CASCADE, on rows that refer to something, on a checked value) finds
    rows from then on that it does not expect, and the constraint comes back only when these are mended. A policy
    rather than a mistake, so it runs only where it is selected; of unique constraints the rule
    drop-unique-constraint tells.
    """

    name = "drop-constraint"
    family = "compatibility"
    severity = Severity.INFO
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    opt_in = True
    help = """
        If nothing relies on it, say so:

        # notifydb: ignore[drop-constraint] because ...
        op.drop_constraint("{name}", "{table}")
    """
    bad = (
        Example(
            'op.drop_constraint("positive", "users")',
            before=(BASELINE, 'op.create_check_constraint("positive", "users", "logins >= 0")'),
        ),
    )
    good = (
        Example("""
            op.create_check_constraint("present", "users", "email IS NOT NULL", postgresql_not_valid=True)
            op.drop_constraint("present", "users")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropConstraint):
            if ctx.is_new(fact.relation, statement) or _is_its_own(fact, statement, ctx):
                continue
            entry = ctx.catalog.constraints.get((fact.relation.key, fact.name)) if ctx.catalog else None
            if entry is None or entry.kind in _KINDS:
                what = _KINDS[entry.kind] if entry else "constraint"
                yield self.finding(
                    statement,
                    f"Nothing upholds the {what} {fact.name} of {fact.relation} any more.",
                    table=fact.relation,
                    name=fact.name,
                )


_KINDS = {"c": "CHECK", "f": "foreign key", "x": "EXCLUDE constraint"}


def _is_its_own(fact: facts.DropConstraint, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether this revision added it before, or adds one of the same name again."""
    return any(
        added.name == fact.name and added.relation.key == fact.relation.key
        for each in ctx.statements
        if each is not statement
        for added in each.each(facts.AddConstraint)
    )
