"""Finds what production's version of Postgres does not know."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.versions import NEWEST, Requirement, requirements


class NeedsNewerPostgres(Rule):
    """A statement that production's Postgres is too old for.

    It works on the developer's newer server and fails in production. What is new in PostgreSQL 14 to 18 is
    taken from the release notes. Production's version is the setting `lint.target_version`, or
    `--target-version`; without it, that of the shadow database.
    """

    name = "needs-newer-postgres"
    family = "reliability"
    claim = Claim.FAILURE
    help = """
        Write it as PostgreSQL {target} knows it, or say that production is newer:

        [tool.notifydb.lint]
        target_version = {version}
    """
    bad = (
        Example(
            'op.execute("ALTER TABLE users ADD CONSTRAINT ck_users CHECK (logins > 0) NOT ENFORCED")',
            options={"target_version": 15},
        ),
        Example(
            'op.execute("CREATE TABLE events (id uuid DEFAULT uuidv7() PRIMARY KEY)")',
            options={"target_version": 15},
        ),
        Example(
            """
            op.execute(
                "ALTER TABLE events ADD CONSTRAINT fk_events"
                " FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID"
            )
            """,
            before=(
                BASELINE,
                'op.execute("CREATE TABLE events (id int, user_id int) PARTITION BY RANGE (id)")',
            ),
            options={"target_version": 15},
            trace_only=True,
        ),
    )
    good = (
        Example("""
            op.execute("CREATE TABLE teams (name text COMPRESSION pglz, UNIQUE NULLS NOT DISTINCT (name))")
            """),
    )

    def holds_in_production(self, _statement: Statement, ctx: RevisionContext) -> bool:
        return ctx.is_like_production

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        target = ctx.version or NEWEST
        if target >= NEWEST or statement.parsed.problem or _is_data(statement):
            return
        for needed in (*requirements(statement.sql), *_of_partitioned(statement, ctx)):
            if needed.version > target and not _is_own(needed, ctx):
                yield self.finding(
                    statement,
                    f"It fails on PostgreSQL {target}: {needed.feature} came with {needed.version}.",
                    target=target,
                    version=needed.version,
                )


def _is_data(statement: Statement) -> bool:
    """INSERT ... VALUES, which may be a megabyte, and is older than all that is looked for."""
    return all(
        isinstance(fact, facts.ChangeRows) and fact.command == "insert" and fact.bounded
        for fact in statement.facts
    )


def _of_partitioned(statement: Statement, ctx: RevisionContext) -> Iterator[Requirement]:
    for fact in statement.each(facts.AddConstraint):
        foreign = fact.kind is facts.ConstraintKind.FOREIGN_KEY
        if foreign and fact.not_valid and ctx.is_partitioned(fact.relation):
            yield Requirement(18, "NOT VALID for a foreign key of a partitioned table")


def _is_own(needed: Requirement, ctx: RevisionContext) -> bool:
    """Whether it is a function of the project's own that has the name of a later one of Postgres."""
    own = ctx.catalog.signatures if ctx.catalog else ()
    return any(name == needed.function for _, name in own)
