"""Finds foreign keys that check all rows while writers wait."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AddForeignKeyValidated(Rule):
    """A foreign key that is added valid.

    ADD FOREIGN KEY takes SHARE ROW EXCLUSIVE on both tables and looks up every row of one in the other
    before it lets go. NOT VALID skips the look-up, and new rows are checked all the same; VALIDATE
    CONSTRAINT then checks the old ones under SHARE UPDATE EXCLUSIVE, in a transaction of its own (Postgres
    docs, ALTER TABLE).

    Alembic adds the foreign key of a new column as a statement of its own, which reads the table though
    there is nothing to look up; `op.add_column(..., inline_references=True)` (Alembic 1.18.2) does not.
    """

    name = "add-foreign-key-validated"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.SHARE_ROW_EXCLUSIVE
    help = """
        In this migration:

        op.execute(
            "ALTER TABLE {table} ADD CONSTRAINT {name}"
            " FOREIGN KEY ({columns}) REFERENCES {references} NOT VALID"
        )

        and in the next one, because the locks are kept to the end of the transaction:

        op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    """
    partitioned_help = """
        A partitioned table takes no NOT VALID before Postgres 18. Its partitions do, each in two migrations:

        op.execute(
            "ALTER TABLE <partition> ADD CONSTRAINT {name}"
            " FOREIGN KEY ({columns}) REFERENCES {references} NOT VALID"
        )

        op.execute("ALTER TABLE <partition> VALIDATE CONSTRAINT {name}")

        and then the parent, which finds them there and looks at no row:

        op.execute(
            "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {references}"
        )
    """
    fix = Fix(
        "add it NOT VALID, and validate it in a migration of its own",
        safety="safe",
        rewrite=Rewrite.VALIDATED_LATER,
    )
    bad = (
        Example("""
            op.create_foreign_key(
                "fk_users_organization", "users", "organizations", ["organization_id"], ["id"]
            )
            """),
    )
    good = (
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

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddConstraint):
            if fact.kind is not facts.ConstraintKind.FOREIGN_KEY or fact.not_valid or not fact.enforced:
                continue
            if ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"While all rows of {fact.relation} are looked up in {fact.references}, every insert,"
                    " update and delete on both tables waits.",
                    instead=None if _knows_not_valid(fact.relation, ctx) else self.partitioned_help,
                    table=fact.relation,
                    name=fact.name or "fk_...",
                    columns=", ".join(fact.columns),
                    references=fact.references,
                )


def _knows_not_valid(table: facts.Relation, ctx: RevisionContext) -> bool:
    return not ctx.is_partitioned(table) or (ctx.version or 0) >= _NOT_VALID_ON_PARTITIONED


_NOT_VALID_ON_PARTITIONED = 18
