"""Finds unique constraints and indexes that the running code may still count on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind, Relation


class DropUniqueConstraint(Rule):
    """DROP CONSTRAINT of a UNIQUE or PRIMARY KEY, or DROP INDEX of a unique index.

    `INSERT ... ON CONFLICT (columns)` of the running code fails as soon as no unique index covers exactly
    these columns (Postgres docs, INSERT, "conflict_target"). Rows that repeat can be written from then on,
    and have to be sorted out before the constraint comes back. The catalog tells what is unique; without a
    database its name has to (`..._key`, `..._pkey`, `uq_...`, `pk_...`).
    """

    name = "drop-unique-constraint"
    family = "compatibility"
    severity = Severity.WARNING
    help = """
        First deploy code that does without it, in ON CONFLICT too, then drop it and say that this was done:

        # notifydb: ignore[drop-unique-constraint] because release ... does without it
        op.drop_constraint("{name}", "{table}")
    """
    bad = (
        Example(
            'op.drop_constraint("users_email_key", "users")',
            before=(BASELINE, 'op.create_unique_constraint("users_email_key", "users", ["email"])'),
        ),
    )
    good = (
        Example(
            """
            op.drop_constraint("users_email_key", "users")
            op.execute("ALTER TABLE users ADD CONSTRAINT uq_email UNIQUE USING INDEX uq_email")
            """,
            before=(
                BASELINE,
                """
                op.create_unique_constraint("users_email_key", "users", ["email"])
                op.create_index("uq_email", "users", ["email"], unique=True)
                """,
            ),
        ),
        Example(
            'op.drop_constraint("positive", "users")',
            before=(BASELINE, 'op.create_check_constraint("positive", "users", "logins >= 0")'),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for table, name, columns in _dropped(statement, ctx):
            if ctx.is_new(table, statement) or _is_covered(table, name, columns, ctx):
                continue
            over = f" over {', '.join(columns)}" if columns else ""
            yield self.finding(
                statement,
                f"INSERT ... ON CONFLICT of the running code that counts on {name}{over} fails,"
                f" and {table} can hold the same value twice from now on.",
                table=table,
                name=name,
            )


def _dropped(statement: Statement, ctx: RevisionContext) -> Iterator[tuple[Relation, str, tuple[str, ...]]]:
    """Table, name and columns of each unique thing that the statement drops."""
    for constraint in statement.each(facts.DropConstraint):
        table = ctx.original(constraint.relation, statement)
        entry = ctx.catalog.constraints.get((table.key, constraint.name)) if ctx.catalog else None
        if entry.kind in ("p", "u") if entry else _is_unique_name(constraint.name, ctx):
            yield table, constraint.name, entry.columns if entry else ()
    for index in statement.each(facts.DropIndex):
        found = ctx.catalog.indexes.get(index.index.key) if ctx.catalog else None
        if found is not None and found.unique and found.whole and found.valid:
            yield found.table, index.index.name, found.columns


def _is_unique_name(name: str, ctx: RevisionContext) -> bool:
    return ctx.catalog is None and _UNIQUE.search(name) is not None


_UNIQUE = re.compile(r"^(uq|pk)_|_(key|pkey)$")


def _is_covered(table: Relation, name: str, columns: tuple[str, ...], ctx: RevisionContext) -> bool:
    """Whether something else keeps them unique, some of them are unique alone, or one goes away itself."""
    for statement in ctx.statements:
        for fact in statement.facts:
            own = facts.relation_of(fact)
            if own is not None and ctx.original(own, statement).key == table.key and _spares(fact, columns):
                return True
    indexes = ctx.catalog.indexes.items() if ctx.catalog else ()
    return any(
        own != name
        and each.table.key == table.key
        and each.unique
        and each.whole
        and each.valid
        and set() < set(each.columns) <= set(columns)
        for (_, own), each in indexes
    )


def _spares(fact: facts.Fact, columns: tuple[str, ...]) -> bool:
    """Whether it makes the columns unique again, or takes one of them away, which is told by itself."""
    match fact:
        case facts.AddConstraint(kind=ConstraintKind.UNIQUE | ConstraintKind.PRIMARY_KEY):
            return not columns or fact.using_index is not None or set(fact.columns) == set(columns)
        case facts.CreateIndex(unique=True):
            return not columns or set(fact.columns) == set(columns)
        case facts.DropColumn():
            return not columns or fact.column in columns
        case _:
            return isinstance(fact, facts.DropTable)
