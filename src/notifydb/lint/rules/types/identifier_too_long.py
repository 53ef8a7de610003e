"""Finds names that Postgres cuts off."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql.identifiers import long_identifiers


class IdentifierTooLong(Rule):
    """An identifier of more than 63 bytes in SQL.

    Postgres cuts it off with no more than a NOTICE (docs section 4.1.1). Two long names that begin alike
    become one, and tools that compare the written name with the catalog, as autogenerate does, never find it.
    SQLAlchemy refuses or shortens such names in operations; raw SQL goes through.
    """

    name = "identifier-too-long"
    family = "types"
    severity = Severity.WARNING
    help = """
        Shorten it yourself; Postgres keeps {kept}
    """
    bad = (
        Example("""
            op.execute(
                "ALTER TABLE users ADD COLUMN"
                " whether_the_user_has_agreed_to_the_terms_of_use_of_the_service_itself boolean"
            )
            """),
    )
    good = (Example('op.execute("ALTER TABLE users ADD COLUMN agreed_to_terms boolean")'),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for name in long_identifiers(statement.sql):
            kept = name.encode()[:63].decode(errors="ignore")
            yield self.finding(
                statement,
                f"{name} has {len(name.encode())} bytes; Postgres cuts it off after 63, without an error.",
                kept=kept,
            )
