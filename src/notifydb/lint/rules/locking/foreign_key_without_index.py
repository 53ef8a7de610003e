"""Finds foreign keys whose own side has no index."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind, Relation


class ForeignKeyWithoutIndex(Rule):
    """A foreign key on columns that no index begins with.

    To delete a row of the other table, or to change its key, Postgres looks for rows that refer to it: without
    an index it reads the whole table for each (Postgres docs section 5.5.5). Where nobody ever deletes there,
    no index is needed; so this rule is a team's choice. It counts indexes that are there or that the same
    migration makes; without a shadow database, only the latter.
    """

    name = "foreign-key-without-index"
    family = "locking"
    severity = Severity.WARNING
    opt_in = True
    help = """
        with op.get_context().autocommit_block():
            op.create_index("ix_{table}_{name}", "{table}", [{columns}], postgresql_concurrently=True)
    """
    bad = (
        Example("""
            op.execute(
                "ALTER TABLE users ADD CONSTRAINT fk_users_organization"
                " FOREIGN KEY (organization_id) REFERENCES organizations (id) NOT VALID"
            )
            """),
        Example("""
            op.create_table(
                "teams",
                sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("owner_id", sa.Integer, sa.ForeignKey("users.id")),
            )
            """),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.drop_index("ix", postgresql_concurrently=True, if_exists=True)
                op.create_index("ix", "users", ["organization_id", "name"], postgresql_concurrently=True)
            op.execute(
                "ALTER TABLE users ADD CONSTRAINT fk_users_organization"
                " FOREIGN KEY (organization_id) REFERENCES organizations (id) NOT VALID"
            )
            """),
        Example("""
            op.create_table(
                "members",
                sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
                sa.Column("organization_id", sa.Integer, sa.ForeignKey("organizations.id"), index=True),
            )
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for table, columns in _foreign_keys(statement):
            if not any(set(index[: len(columns)]) == set(columns) for index in _indexes(table, ctx)):
                names = ", ".join(columns)
                yield self.finding(
                    statement,
                    f"Each delete in the referenced table reads all of {table}, because no index begins with"
                    f" {names}.",
                    table=table,
                    name="_".join(columns),
                    columns=", ".join(f'"{column}"' for column in columns),
                )


def _foreign_keys(statement: Statement) -> Iterator[tuple[Relation, tuple[str, ...]]]:
    for constraint in statement.each(facts.AddConstraint):
        if constraint.kind is ConstraintKind.FOREIGN_KEY:
            yield constraint.relation, constraint.columns
    for column in statement.each(facts.AddColumn):
        if column.references is not None:
            yield column.relation, (column.column,)
    for table in statement.each(facts.CreateTable):
        yield from ((table.relation, columns) for columns in table.foreign_keys)


def _indexes(table: Relation, ctx: RevisionContext) -> Iterator[tuple[str, ...]]:
    """The columns of the table's indexes: those of the catalog, and those of the whole migration."""
    if ctx.catalog is not None:
        entries = ctx.catalog.indexes.values()
        yield from (entry.columns for entry in entries if entry.table.key == table.key and entry.whole)
    for fact in (fact for each in ctx.statements for fact in each.facts):
        if getattr(fact, "relation", None) != table:
            continue
        if isinstance(fact, facts.CreateIndex) or (
            isinstance(fact, facts.AddConstraint) and fact.kind in _INDEXED
        ):
            yield fact.columns
        elif isinstance(fact, facts.CreateTable):
            yield from fact.keys
        elif isinstance(fact, facts.AddColumn) and (fact.unique or fact.primary_key):
            yield (fact.column,)


_INDEXED = (ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY)
