"""Finds migrations that need more than their database."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import imported_modules
from notifydb.revisions.graph import Revision

_NETWORK = {
    "aiohttp", "boto3", "botocore", "celery", "ftplib", "http.client", "httpx", "paramiko", "redis", "requests",
    "smtplib", "socket", "subprocess", "urllib.request", "urllib3",
}  # fmt: skip
_CONNECTIONS = {"create_engine", "create_async_engine", "engine_from_config"}
_DRIVERS = {"psycopg", "psycopg2", "asyncpg", "pg8000"}


class ReachesOutside(Rule):
    """A migration that talks to something besides the database it is given.

    A request, a queue or a process is not rolled back when the migration fails, is done again when it is run
    again, and is done on every developer's machine and in every test. A connection of its own goes to another
    database than the one that is migrated, and waits for the migration's own locks.
    """

    name = "reaches-outside"
    family = "history"
    severity = Severity.WARNING
    help = """
        Do it in a command that the deploy runs after the migrations; send SQL on op.get_bind().
    """
    bad = (
        Example(
            'if False:\n    requests.get("https://example.org")', imports="import urllib.request as requests"
        ),
        Example('if False:\n    sa.create_engine("postgresql://").connect()'),
    )
    good = (
        Example(
            'op.execute("UPDATE users SET logins = 1 WHERE id = 1")',
            imports="import psycopg.errors\nfrom urllib.parse import quote",
        ),
    )

    def check_source(self, revision: Revision, tree: ast.Module, _ctx: RevisionContext) -> Iterator[Finding]:
        for node, module in imported_modules(tree):
            if any(module == name or module.startswith(f"{name}.") for name in _NETWORK):
                yield self.finding_at(
                    revision, node, f"What it does with {module} is not rolled back, and is done again."
                )
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _connects(call.func):
                yield self.finding_at(
                    revision, call, "A connection of its own takes no part in the migration's transaction."
                )


def _connects(function: ast.expr) -> bool:
    owner, _, name = ast.unparse(function).rpartition(".")
    return name in _CONNECTIONS or (name == "connect" and owner in _DRIVERS)
