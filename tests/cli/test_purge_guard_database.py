"""A database, a server or a way to it that forbids a purge: each is refused, and nothing has changed."""

from __future__ import annotations

import dataclasses
import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pooler import pooler

from cli.conftest import Notifydb
from cli.guarded import ALLOW, NEVER, PREFIX, TEST, Guarded, fill, mark, shop_on
from conftest import MakeDatabase, SmallProject, name_of, query
from notifydb import errors
from notifydb.cli.app import app
from notifydb.cli.deps import Deps
from notifydb.guard import Operation, Permit
from notifydb.settings import Environment
from notifydb.shadow.server import Server


@pytest.fixture(scope="module")
def shop_url(server: Server) -> Iterator[str]:
    with shop_on(server) as url:
        yield url


@pytest.fixture
def shop(shop_url: str, notifydb: Notifydb, small_project: SmallProject) -> Guarded:
    return Guarded(shop_url, notifydb, small_project.project.root)


@pytest.fixture
def own_shop(
    shop_url: str, make_database: MakeDatabase, notifydb: Notifydb, small_project: SmallProject
) -> Guarded:
    """A database of the test's own, to be damaged."""
    url = make_database(template=name_of(shop_url))
    mark(url)
    return Guarded(url, notifydb, small_project.project.root)


DAMAGE: Mapping[str, tuple[str, str]] = {
    "deleted": ("DELETE FROM notifydb.environment", "carries no mark"),
    "dropped": ("DROP TABLE notifydb.environment", "carries no mark"),
    "of another server": ("UPDATE notifydb.environment SET system_identifier = '1'", "it is a copy"),
    "of another database": ("UPDATE notifydb.environment SET database_oid = 1", "it is a copy"),
    "garbage": ("UPDATE notifydb.environment SET name = 'nonsense'", NEVER),
    "empty": ("UPDATE notifydb.environment SET name = ''", NEVER),
    "production": ("UPDATE notifydb.environment SET name = 'Production '", NEVER),
    "staging": ("UPDATE notifydb.environment SET name = 'staging'", "not allowed there"),
    "without a column": ("ALTER TABLE notifydb.environment DROP COLUMN name", NEVER),
    "a view": (
        "ALTER TABLE notifydb.environment RENAME TO e; CREATE VIEW notifydb.environment AS TABLE notifydb.e",
        NEVER,
    ),
    "two rows": (
        "CREATE TABLE more () INHERITS (notifydb.environment); INSERT INTO more SELECT * FROM notifydb.environment",
        NEVER,
    ),
    "set for the database": ("ALTER DATABASE {name} SET notifydb.environment = 'production'", NEVER),
    "set to garbage": ("ALTER DATABASE {name} SET notifydb.environment = 'sandbox'", NEVER),
    "set for a role": ("ALTER ROLE postgres IN DATABASE {name} SET notifydb.environment = 'production'", NEVER),
    "read-only": ("ALTER DATABASE {name} SET default_transaction_read_only = on", "read-only"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_database_that_does_not_say_that_it_may(damage: str, own_shop: Guarded) -> None:
    sql, reason = DAMAGE[damage]
    query(own_shop.url, sql.format(name=name_of(own_shop.url)))
    own_shop.refuses(reason, **TEST)


def test_a_dump_of_production_restored_in_development(
    make_database: MakeDatabase, notifydb: Notifydb, small_project: SmallProject
) -> None:
    production = make_database()
    fill(production, Environment.PRODUCTION)
    copy = make_database(template=name_of(production))
    restored = Guarded(copy, notifydb, small_project.project.root)
    restored.refuses("the database's mark was written for another database: it is a copy", **TEST, **ALLOW)


SPOKEN = ["development", "test"]


@pytest.mark.parametrize("said", SPOKEN)
def test_a_session_does_not_outspeak_the_database(said: str, own_shop: Guarded) -> None:
    query(own_shop.url, f"ALTER DATABASE {name_of(own_shop.url)} SET notifydb.environment = 'production'")
    own_shop.refuses(NEVER, PGOPTIONS=f"-c notifydb.environment={said}", **TEST)
    spoken = sa.make_url(own_shop.url).update_query_dict({"options": f"-c notifydb.environment={said}"})
    own_shop.refuses(NEVER, DATABASE_URL=spoken.render_as_string(hide_password=False), **TEST)


OPTIONS = {
    "-c default_transaction_read_only=on": "read-only",
    "-c session_replication_role=replica": "skip triggers and foreign keys",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_session_that_is_not_as_others_are(options: str, shop: Guarded) -> None:
    shop.refuses(OPTIONS[options], PGOPTIONS=options, **TEST)


def test_a_renamed_database_is_not_confirmed_by_its_old_name(own_shop: Guarded, server_url: str) -> None:
    old = name_of(own_shop.url)
    query(server_url, f"ALTER DATABASE {old} RENAME TO {old}_new")
    url = sa.make_url(own_shop.url).set(database=f"{old}_new").render_as_string(hide_password=False)
    try:
        dataclasses.replace(own_shop, url=url).refuses("is not the database's name", confirm=old, **TEST)
    finally:
        query(server_url, f"ALTER DATABASE {old}_new RENAME TO {old}")


@contextmanager
def role_on(url: str, *grants: str) -> Iterator[str]:
    """The URL of a role that may log in, work on the shop's tables and do what `grants` say."""
    role = f"role_{name_of(url)}"
    rows = f"GRANT SELECT, UPDATE, DELETE ON users, events TO {role}"
    query(url, f"CREATE ROLE {role} LOGIN")
    try:
        for grant in (rows, *grants):
            query(url, grant.format(role=role))
        yield sa.make_url(url).set(username=role).render_as_string(hide_password=False)
    finally:
        query(url, f"DROP OWNED BY {role}")
        query(url, f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "grants",
    [
        (),
        ("GRANT USAGE ON SCHEMA notifydb TO {role}",),
        ("GRANT USAGE ON SCHEMA notifydb TO {role}", "GRANT SELECT (name) ON notifydb.environment TO {role}"),
        ("GRANT USAGE ON SCHEMA notifydb TO {role}", "GRANT SELECT ON notifydb.environment TO {role}",
         "ALTER TABLE notifydb.environment ENABLE ROW LEVEL SECURITY"),
        ("GRANT USAGE ON SCHEMA notifydb TO {role}", "GRANT SELECT ON notifydb.environment TO {role}",
         "ALTER TABLE notifydb.environment ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON notifydb.environment"),
        ("GRANT USAGE ON SCHEMA notifydb TO {role}", "GRANT SELECT ON notifydb.environment TO {role}",
         "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"),
    ],
    ids=["nothing", "schema", "column", "hidden", "policy", "identity"],
)  # fmt: skip
def test_a_mark_that_the_role_cannot_read(grants: tuple[str, ...], own_shop: Guarded) -> None:
    with role_on(own_shop.url, *grants) as url:
        own_shop.refuses(NEVER, DATABASE_URL=url, **TEST)


def test_a_role_that_can_read_the_mark_is_let_pass_to_the_plan(own_shop: Guarded) -> None:
    """The counterpart of the refusals above."""
    grants = (
        "GRANT USAGE ON SCHEMA notifydb TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA notifydb TO {role}",
    )
    with role_on(own_shop.url, *grants) as url:
        planned = own_shop.purge("--dry-run", DATABASE_URL=url, **TEST)
    assert planned.code == 0, planned


def through(url: str, port: int) -> str:
    """The same database, by way of a port of this machine."""
    return sa.make_url(url).set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)


def socket_folder(url: str) -> str:
    return str(sa.make_url(url).query["host"])


def test_a_pooler_in_transaction_mode(shop: Guarded) -> None:
    where = f"{socket_folder(shop.url)}/.s.PGSQL.{sa.make_url(shop.url).query['port']}"
    with pooler(where, shared=True) as port:
        shop.refuses("a pooler in transaction mode", DATABASE_URL=through(shop.url, port), **TEST)
    with pooler(where, shared=False) as port:
        assert shop.purge("--dry-run", DATABASE_URL=through(shop.url, port), **TEST).code == 0


def test_a_replica(server: Server, tmp_path: Path, notifydb: Notifydb, small_project: SmallProject) -> None:
    standby = Server(tmp_path / "own", server.binaries)
    standby.start()
    try:
        fill(standby.url("postgres"))
        standby.stop()
        (standby.data / "standby.signal").touch()
        with suppress(psycopg.errors.ReadOnlySqlTransaction):
            # It makes its database where that is missing.
            standby.start()
        guarded = Guarded(standby.url("postgres"), notifydb, small_project.project.root)
        guarded.refuses("the server is a standby", **TEST)
    finally:
        standby.stop()


@pytest.fixture
def production_folder(shop_url: str) -> Iterator[Path]:
    """The server's sockets under another name; a path to one has to be short."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "db-prod"
        link.symlink_to(socket_folder(shop_url))
        yield link


def test_a_host_called_like_production(shop: Guarded, production_folder: Path) -> None:
    parsed = sa.make_url(shop.url)
    port = str(parsed.query["port"])
    named = parsed.set(query={"host": str(production_folder), "port": port}).render_as_string(
        hide_password=False
    )
    shop.refuses("that sounds like production", DATABASE_URL=named, **TEST, **ALLOW)
    unnamed = parsed.set(query={}).render_as_string(hide_password=False)
    shop.refuses(
        "that sounds like production",
        DATABASE_URL=unnamed,
        PGHOST=str(production_folder),
        PGPORT=port,
        **TEST,
    )


def test_a_database_called_like_production(
    shop_url: str, server_url: str, notifydb: Notifydb, small_project: SmallProject
) -> None:
    name = f"test_{secrets.token_hex(6)}_prod"
    query(server_url, f"CREATE DATABASE {name} TEMPLATE {name_of(shop_url)}")
    url = sa.make_url(shop_url).set(database=name).render_as_string(hide_password=False)
    try:
        mark(url)
        Guarded(url, notifydb, small_project.project.root).refuses(
            "that sounds like production", **TEST, **ALLOW
        )
    finally:
        query(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_platform_that_calls_its_place_production(shop: Guarded) -> None:
    space = json.dumps({"space_name": "notify-production", "application_name": "notify-api"})
    shop.refuses("the space of VCAP_APPLICATION is called", VCAP_APPLICATION=space, **TEST)
    application = json.dumps({"space_name": "notify", "application_name": "notify-api-production"})
    shop.refuses("the application is called", VCAP_APPLICATION=application, **TEST)
    bound = sa.make_url(shop.url).set(drivername="postgresql").render_as_string(hide_password=False)
    services = json.dumps({"aws-rds": [{"name": "api-rds-prod", "credentials": {"uri": bound}}]})
    shop.refuses("the service of VCAP_SERVICES is called", VCAP_SERVICES=services, DATABASE_URL="", **TEST)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE notifydb.environment SET name = 'production'",
        "ALTER DATABASE {name} SET notifydb.environment = 'production'",
        "DELETE FROM notifydb.environment",
        "DROP TABLE notifydb.environment",
        "UPDATE notifydb.environment SET database_oid = 1",
    ],
)
def test_a_mark_that_changes_after_the_permit(
    change: str, own_shop: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = Deps.permit

    def give_and_change(deps: Deps, operation: Operation, confirmation: str | None) -> Permit:
        permit = give(deps, operation, confirmation)
        query(own_shop.url, change.format(name=name_of(own_shop.url)))
        return permit

    monkeypatch.setattr(Deps, "permit", give_and_change)
    monkeypatch.chdir(own_shop.root)
    for name, value in {**TEST, "DATABASE_URL": own_shop.url}.items():
        monkeypatch.setenv(name, value)
    rows = "SELECT array_agg(u::text) FROM users u"
    before = query(own_shop.url, rows)
    with pytest.raises(errors.Refused):
        app(["purge", "--prefix", PREFIX, "--confirm", name_of(own_shop.url)], standalone_mode=False)
    assert query(own_shop.url, rows) == before
