"""Finds type changes that write a whole table anew."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.source import existing_type
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AlterColumnTypeRewrite(Rule):
    """ALTER COLUMN ... TYPE.

    Most changes write the table and its indexes anew under ACCESS EXCLUSIVE. Some do not: a longer varchar,
    varchar to text, numeric with more digits of the same scale, cidr to inet (Postgres docs, ALTER TABLE,
    "Notes"). The text of the statement does not say what the type was; the shadow database does, and where there
    is none, `existing_type` of `op.alter_column` is believed.

    From timestamp to timestamptz and back nothing is written where the session's TimeZone is UTC. What it is in
    production no shadow knows, so the migration has to say it. A CHECK on the column is tested for all rows in
    any case, and another collation builds the indexes anew: scan-under-lock shows these.
    """

    name = "alter-column-type-rewrite"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Add a new column, let the code write both, fill it in batches, then let the code read it and drop
        the old one:

        op.add_column("{table}", sa.Column("{column}_new", ...))
    """
    timestamp_help = """
        If the column holds UTC, say so: then no row is written.

        op.execute("SET LOCAL TimeZone = 'UTC'")
        op.alter_column("{table}", "{column}", type_={type})
    """
    bad = (
        Example('op.alter_column("users", "logins", type_=sa.BigInteger)'),
        Example('op.execute("ALTER TABLE users ALTER COLUMN logins TYPE text USING logins::text")'),
        Example(
            """
            op.execute("SET LOCAL TimeZone = 'Europe/London'")
            op.alter_column("events", "at", type_=sa.DateTime(timezone=True))
            """,
            before=('op.create_table("events", sa.Column("at", sa.DateTime, nullable=False))',),
        ),
    )
    good = (
        Example('op.alter_column("users", "name", type_=sa.String(200))', trace_only=True),
        Example("""
            op.alter_column("users", "name", existing_type=sa.VARCHAR(length=50), type_=sa.String(200))
            op.alter_column("users", "name", existing_type=sa.String(200), type_=sa.Text())
            """),
        Example(
            """
            op.execute("SET LOCAL TimeZone = 'UTC'")
            op.alter_column("events", "at", type_=sa.DateTime(timezone=True))
            """,
            before=('op.create_table("events", sa.Column("at", sa.DateTime, nullable=False))',),
        ),
    )

    def holds_in_production(self, statement: Statement, ctx: RevisionContext) -> bool:
        """The shadow's TimeZone may be another than production's."""
        return not any(map(_between_timestamps, statement.each(facts.AlterColumnType))) or _is_utc(
            statement, ctx
        )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AlterColumnType):
            by_zone = _between_timestamps(fact)
            if not ctx.is_busy(fact.relation, statement) or (by_zone and _is_utc(statement, ctx)):
                continue
            if statement.trace is None and _is_longer_text(fact, statement, ctx):
                continue
            unless = ", unless the session's TimeZone is UTC" if by_zone else ""
            yield self.finding(
                statement,
                f"{fact.relation} and its indexes are written anew to make {fact.column}"
                f" {fact.type}{unless}; every read and write of it waits.",
                instead=self.timestamp_help if by_zone else None,
                table=fact.relation,
                column=fact.column,
                type="sa.DateTime(timezone=True)" if fact.type.name == "timestamptz" else "sa.DateTime()",
            )


def _between_timestamps(fact: facts.AlterColumnType) -> bool:
    return fact.type.name in ("timestamp", "timestamptz") and not fact.using and not fact.type.array


def _is_utc(statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the migration sets the session's TimeZone to UTC before the statement."""
    zones = [
        fact.value
        for each in ctx.before(statement)
        for fact in each.each(facts.SetVariable)
        if fact.name == "timezone"
    ]
    return bool(zones) and (zones[-1] or "").upper() in ("UTC", "ETC/UTC", "GMT")


def _is_longer_text(fact: facts.AlterColumnType, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the operation says that the column was a text or varchar already, and no longer than now."""
    old = existing_type(ctx.source, statement.location)
    if old is None or fact.using or fact.type.array or old[0].lower() not in _TEXTS:
        return False
    if not fact.type.modifiers:
        return fact.type.name in ("text", "varchar")
    return fact.type.name == "varchar" and old[1] is not None and old[1] <= fact.type.modifiers[0]


_TEXTS = ("string", "text", "unicode", "unicodetext", "varchar")
