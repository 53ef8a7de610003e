"""Finds changes that reach beyond the database."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.shadow.names import is_shadow
from notifydb.sql import facts


class ServerWideChange(Rule):
    """CREATE, ALTER or DROP of a role; ALTER of a database or of the system.

    Roles and databases belong to the whole server: other databases on it get the change too, and so does
    the server on which the migration is tried. In another environment the role or database has another name
    or is there already, and the migration fails. ALTER SYSTEM cannot run in a transaction at all.

    What is set for one database (ALTER ROLE ... IN DATABASE, ALTER DATABASE ... SET) stays there. It is found where
    the migration has that database's name written down, and not where it asks what its own is called.
    """

    name = "server-wide-change"
    family = "compatibility"
    severity = Severity.WARNING
    help = """
        Not in a migration: leave it to what sets up the server. If it belongs here, say why:

        # notifydb: ignore[server-wide-change] because ...
        op.execute("{sql}")
    """
    bad = (Example('op.execute("ALTER ROLE ALL RESET work_mem")'),)
    good = (Example("op.execute(\"SET LOCAL work_mem = '64MB'\")"),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for reach in _reaches(statement):
            yield self.finding(statement, reach, sql=statement.sql)


def _reaches(statement: Statement) -> Iterator[str]:
    for fact in statement.facts:
        match fact:
            case facts.OutsideOnly(command="ALTER SYSTEM" | "CREATE DATABASE"):
                yield _server_wide(fact.command)
            case facts.Other(database=str(database)):
                # Where it is the shadow's, the migration has asked what its own is called.
                if not is_shadow(database):
                    yield f"{_COMMANDS[fact.node]} is for the database {database}, whichever this one is."
            case facts.Other() if fact.node in _COMMANDS:
                yield _server_wide(_COMMANDS[fact.node])
            case _:
                pass


def _server_wide(command: str) -> str:
    return f"{command} changes the whole server, not only this database."


_COMMANDS = {
    "alter_database_set_stmt": "ALTER DATABASE",
    "alter_database_stmt": "ALTER DATABASE",
    "alter_role_set_stmt": "ALTER ROLE",
    "alter_role_stmt": "ALTER ROLE",
    "create_role_stmt": "CREATE ROLE",
    "drop_role_stmt": "DROP ROLE",
}
