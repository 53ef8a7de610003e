"""Finds new columns of a type whose values have to be checked one by one."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AddColumnConstrainedDomain(Rule):
    """ADD COLUMN of a domain that has constraints.

    Postgres does not trust that null, or the default, satisfies the domain: it writes the whole table anew
    under ACCESS EXCLUSIVE to find out (measured on PostgreSQL 15 and 18). Only the catalog tells a domain
    from a type, so this rule needs a shadow database.
    """

    name = "add-column-constrained-domain"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Use the domain's base type and a CHECK that is added NOT VALID:

        op.add_column("{table}", sa.Column("{column}", sa.Text))
        op.execute("ALTER TABLE {table} ADD CONSTRAINT ck_{column} CHECK (...) NOT VALID")
    """
    bad = (
        Example(
            'op.execute("ALTER TABLE users ADD COLUMN code short_code")',
            before=(BASELINE, 'op.execute("CREATE DOMAIN short_code AS text CHECK (length(VALUE) < 10)")'),
            trace_only=True,
        ),
    )
    good = (
        Example(
            'op.execute("ALTER TABLE users ADD COLUMN code free_code")',
            before=(BASELINE, 'op.execute("CREATE DOMAIN free_code AS text")'),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        domains = ctx.catalog.checked_domains if ctx.catalog else frozenset()
        for fact in statement.each(facts.AddColumn):
            if fact.type.name in domains and not fact.type.array and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"{fact.relation} and its indexes are written anew to check each row's"
                    f" {fact.column} against the domain {fact.type}; every read and write of it waits.",
                    table=fact.relation,
                    column=fact.column,
                )
