"""What an upgrade would fail on or wait for here: the server, the role, other sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from notifydb.findings import Severity
from notifydb.runner.doctor.ailment import Ailment, sql
from notifydb.runner.doctor.examine import Examined

OLDEST: Final = 13


def server(found: Examined) -> Iterator[Ailment]:
    """A standby, a database that is read-only, a version that is too old."""
    role = found.health.role
    if role.is_standby:
        yield Ailment(
            "server", "the server is a standby", "nothing can be written there: DATABASE_URL has to name its primary",
            sql("SELECT sender_host, sender_port FROM pg_stat_wal_receiver"),
        )  # fmt: skip
    elif role.is_read_only:
        yield Ailment(
            "server", f"transactions in {role.database} are read-only by default", "every upgrade fails",
            sql(
                f"ALTER DATABASE {role.database} RESET default_transaction_read_only",
                f"ALTER ROLE {role.name} RESET default_transaction_read_only",
            ),
        )  # fmt: skip
    if role.major < OLDEST:
        why = f"notifydb is made for PostgreSQL {OLDEST} and newer, and its queries fail on what is older"
        yield Ailment("server", f"the server is PostgreSQL {role.major}", why, ("pg_upgrade",))


def privileges(found: Examined) -> Iterator[Ailment]:
    """What the role may not do, and an upgrade does."""
    role = found.health.role
    if not role.has_own_schema and not role.may_create_schema:
        yield _privilege(
            f"role {role.name} may not create a schema", "an upgrade keeps its history in the schema notifydb",
            f"GRANT CREATE ON DATABASE {role.database} TO {role.name}",
        )  # fmt: skip
    if not role.may_record:
        yield _privilege(
            f"role {role.name} may not write the schema notifydb", "an upgrade records each step there, with its stamp",
            f"GRANT USAGE ON SCHEMA notifydb TO {role.name}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA notifydb TO {role.name}",
        )  # fmt: skip
    for schema in role.closed_schemas:
        yield _privilege(
            f"role {role.name} may not create in schema {schema}", "migrations make tables there",
            f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role.name}",
        )  # fmt: skip
    for each in role.owners:
        owner, _, count = each.rpartition(" ")
        yield _privilege(
            f"role {role.name} does not own {count} table{'' if count == '1' else 's'} of {owner}",
            "only an owner may alter a table", f"GRANT {owner} TO {role.name}",
        )  # fmt: skip


def _privilege(what: str, why: str, *grants: str) -> Ailment:
    return Ailment("privileges", what, why, sql(*grants))


def sessions(found: Examined) -> Iterator[Ailment]:
    """Transactions that have been open for long."""
    for each in found.health.sessions:
        state = "idle in its transaction" if each.is_idle else "in one transaction"
        locks = f"it has locked {', '.join(each.locked)}" if each.locked else "it has locked no table"
        yield Ailment(
            "sessions", f"{each.application} (pid {each.pid}, role {each.role}) is {state} for {_age(each.seconds)}",
            f"{locks}; what an upgrade alters there, and every concurrent index, waits for it; it is on {each.host}",
            sql(f"SELECT pg_terminate_backend({each.pid})"), severity=Severity.WARNING,
        )  # fmt: skip


def _age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
