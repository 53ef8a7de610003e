"""Finds rows that come out differently each time a migration is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import full_names, function
from notifydb.lint.statement import Statement
from notifydb.revisions.graph import Revision
from notifydb.sql import facts

_PYTHON = {"uuid.uuid1", "uuid.uuid4", "os.urandom"}
_PYTHON_MODULES = ("random.", "secrets.")
_SQL = re.compile(
    r"\bVALUES\b.*?\b(gen_random_uuid|uuid_generate_v[14]|uuidv[47]|random)\s*\(", re.IGNORECASE | re.DOTALL
)


class DiffersEachRun(Rule):
    """uuid4(), random() or gen_random_uuid() in rows that a migration inserts.

    Every environment then has another key for the same row: no code, test or later migration can name it, and
    no two replays of the history can be compared. A default for rows to come is none of this. Neither is the
    clock: when a row was made may well differ. Told once for each migration.
    """

    name = "differs-each-run"
    family = "history"
    severity = Severity.INFO
    help = """
        Choose the value once, and write it down:

        op.execute("INSERT INTO {table} (id, ...) VALUES ('6b1f0b0e-...', ...)")
    """
    bad = (
        Example(
            "op.execute(f\"INSERT INTO users (name) VALUES ('{uuid4()}')\")",
            imports="from uuid import uuid4",
        ),
        Example('op.execute("INSERT INTO users (name) VALUES (gen_random_uuid()::text)")'),
    )
    good = (
        Example("""
            op.create_table(
                "teams",
                sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
                sa.Column("made", sa.DateTime, server_default=sa.func.now()),
            )
            op.execute("INSERT INTO users (name) VALUES (now()::text)")
            op.execute("INSERT INTO teams (id) SELECT gen_random_uuid() FROM users WHERE id < 9")
            """),
    )

    def check_source(self, revision: Revision, tree: ast.Module, _ctx: RevisionContext) -> Iterator[Finding]:
        full_name = full_names(tree)
        downgrade = function(tree, "downgrade")
        for node in (node for part in tree.body if part is not downgrade for node in ast.walk(part)):
            if isinstance(node, ast.Call):
                name = full_name(node.func)
                if name in _PYTHON or name.startswith(_PYTHON_MODULES):
                    yield self.finding_at(revision, node, f"{name}() gives each environment another value.")
                    return

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        found = _SQL.search(statement.sql)
        for fact in statement.each(facts.ChangeRows):
            if found and fact.command == "insert":
                name = found[1].lower()
                yield self.finding(
                    statement, f"{name}() gives each environment another value.", table=fact.relation
                )
