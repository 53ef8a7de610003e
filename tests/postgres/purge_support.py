"""What the purge tests share: permits, whole dumps of a database, and rows for any table."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from notifydb import guard
from notifydb.postgres.connect import make_engine
from notifydb.postgres.patience import Terms
from notifydb.purge.events import Event, Listener
from notifydb.purge.execute import How, Purged, execute
from notifydb.purge.plan import build_plan
from notifydb.purge.planned import Plan
from notifydb.purge.restore import Restoration, restore
from notifydb.settings.model import PurgeSettings

PREFIX = "notify-tests-preview"
Dump = dict[str, Counter[str]]


def address(prefix: str = PREFIX) -> str:
    """A functional-test user's address."""
    return f"{prefix}+{uuid.uuid4()}@example.gov"


def settings(**changes: Any) -> PurgeSettings:
    """Settings without the cap on a share: tests have more test users than others."""
    return PurgeSettings.of({"max_fraction": 1.0, **changes})


def permit_for(database: str, operation: guard.Operation = guard.Operation.PURGE) -> guard.Permit:
    target = guard.Target(database, guard.Mark("missing"), embedded=True)
    return guard.permit(guard.Request(operation, target, confirmation=database))


def database_of(url: str) -> str:
    return str(sa.make_url(url).database)


def plan_of(url: str, given: PurgeSettings | None = None, prefix: str = PREFIX) -> Plan:
    with make_engine(url).connect() as conn:
        return build_plan(conn, given or settings(), prefix)


def execute_on(
    url: str, plan: Plan, listen: Listener | None = None, archive: Path | None = None, exact: bool = False
) -> Purged:
    """Executes with an archive, in `archive` or in a folder that nobody looks at."""
    with tempfile.TemporaryDirectory() as folder:
        how = How(archive or Path(folder), exact=exact, lock_wait=20)
        return execute(url, permit_for(database_of(url)), plan, how, listen=listen)


def purge(
    url: str,
    given: PurgeSettings | None = None,
    events: list[Event] | None = None,
    archive: Path | None = None,
) -> Purged:
    """Plan and execution, as a command does it."""
    return execute_on(url, plan_of(url, given), None if events is None else events.append, archive)


def put_back(
    url: str, *folders: Path | None, dry_run: bool = False, listen: Listener | None = None
) -> Restoration:
    """Restores from archives; None is of a purge that kept none."""
    permit = permit_for(database_of(url), guard.Operation.RESTORE)
    named = [folder for folder in folders if folder is not None]
    assert len(named) == len(folders)
    terms = Terms(lock_timeout=0.5, attempts=3)
    return restore(url, permit, named, terms, dry_run=dry_run, lock_wait=20, listen=listen)


def run(url: str, *statements: str) -> None:
    with make_engine(url).begin() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)


def dump(url: str) -> Dump:
    """Every row of every table as text, by table."""
    with make_engine(url).connect() as conn:
        tables = conn.exec_driver_sql(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'notifydb') ORDER BY 1"
        ).scalars()
        return {
            table: Counter(conn.exec_driver_sql(f"SELECT t::text FROM {table} t").scalars())
            for table in tables
        }


class Filler:
    """Inserts rows into any table: what is not given is made up, and each row is remembered as somebody's."""

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        self.owner = "real"
        self.rows: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self.inspector = sa.inspect(conn)

    @contextlib.contextmanager
    def whose(self, owner: str) -> Iterator[None]:
        before, self.owner = self.owner, owner
        try:
            yield
        finally:
            self.owner = before

    def insert(self, table: str, **given: Any) -> dict[str, Any]:
        values = {**self._made_up(table, set(given)), **given}
        names = ", ".join(f'"{name}"' for name in values)
        casts = ", ".join(f"CAST(:{name} AS {self._types(table)[name]})" for name in values)
        row = self.conn.execute(
            sa.text(
                f'INSERT INTO "{table}" ({names}) VALUES ({casts}) RETURNING *, "{table}"::text AS as_text'
            ),
            values,
        ).one()
        found = dict(row._mapping)
        self.rows[self.owner][table][found.pop("as_text")] += 1
        return found

    def _types(self, table: str) -> dict[str, str]:
        found = self.conn.execute(
            sa.text(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
            ),
            {"table": f'"{table}"'},
        )
        return dict(map(tuple, found))

    def _made_up(self, table: str, given: set[str]) -> dict[str, Any]:
        parents = {
            key["constrained_columns"][0]: key
            for key in self.inspector.get_foreign_keys(table)
            if len(key["constrained_columns"]) == 1
        }
        made: dict[str, Any] = {}
        for column in self.inspector.get_columns(table):
            name = column["name"]
            if (
                name in given
                or column["nullable"]
                or column["default"]
                or column.get("computed")
                or column.get("identity")
            ):
                continue
            if name in parents:
                parent = parents[name]["referred_table"]
                key = parents[name]["referred_columns"][0]
                made[name] = self.conn.scalar(sa.text(f'SELECT "{key}" FROM "{parent}" ORDER BY 1 LIMIT 1'))
            else:
                made[name] = self._value(column["type"])
        return made

    def _value(self, type_: Any) -> Any:
        unique = uuid.uuid4()
        if isinstance(type_, sa.Enum):
            return type_.enums[0]
        if isinstance(type_, sa.Uuid):
            return unique
        if isinstance(type_, sa.Boolean):
            return False
        if isinstance(type_, sa.Integer | sa.Numeric):
            return 7
        if isinstance(type_, sa.DateTime | sa.Date):
            return "2026-03-01"
        if isinstance(type_, sa.JSON):
            return "{}"
        return unique.hex[: getattr(type_, "length", None) or 32]
