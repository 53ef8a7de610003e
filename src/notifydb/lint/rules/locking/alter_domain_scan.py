"""Finds changes of a domain that read every table with such a column."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AlterDomainScan(Rule):
    """ALTER DOMAIN ... ADD CONSTRAINT, VALIDATE CONSTRAINT or SET NOT NULL.

    Every table that has a column of the domain is locked SHARE and read as a whole; writers wait. NOT VALID
    reads and locks nothing, and new values are checked all the same. Other than for a table's constraint,
    VALIDATE lets no writers through (Postgres docs, ALTER DOMAIN; measured on PostgreSQL 15, 16 and 18).
    """

    name = "alter-domain-scan"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.SHARE
    help = """
        Leave the constraint NOT VALID, and let each table prove its own rows, in the next migration:

        op.execute("ALTER DOMAIN {domain} ADD CONSTRAINT ... CHECK (...) NOT VALID")
        op.execute("ALTER TABLE ... ADD CONSTRAINT ... CHECK (...) NOT VALID")

        op.execute("ALTER TABLE ... VALIDATE CONSTRAINT ...")
    """
    bad = (
        Example(
            "op.execute(\"ALTER DOMAIN code ADD CONSTRAINT ck_code CHECK (VALUE <> '')\")",
            before=(
                """
                op.execute("CREATE DOMAIN code AS text")
                op.execute("CREATE TABLE parcels (id integer PRIMARY KEY, label code)")
                """,
            ),
        ),
    )
    good = (
        Example(
            "op.execute(\"ALTER DOMAIN code ADD CONSTRAINT ck_code CHECK (VALUE <> '') NOT VALID\")",
            before=(
                """
                op.execute("CREATE DOMAIN code AS text")
                op.execute("CREATE TABLE parcels (id integer PRIMARY KEY, label code)")
                """,
            ),
        ),
        Example("""
            op.execute("CREATE DOMAIN code AS text")
            op.execute("ALTER DOMAIN code SET NOT NULL")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AlterDomain):
            tables = ctx.tables_of_domain(fact.domain)
            if ctx.catalog is not None and not any(ctx.is_busy(each, statement) for each in tables):
                continue
            if fact.checks and not _is_made(fact.domain, statement, ctx):
                where = ", ".join(map(str, tables)) or f"every table with a column of {fact.domain}"
                yield self.finding(
                    statement,
                    f"While all rows of {where} are checked, every insert, update and delete there waits.",
                    domain=fact.domain,
                )


def _is_made(domain: facts.Relation, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the migration makes the domain first."""
    made = ctx.facts_before(statement, facts.CreateObject)
    return any(fact.kind == "domain" and fact.name.key == domain.key for fact in made)
