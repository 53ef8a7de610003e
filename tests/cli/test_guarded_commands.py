"""`purge`, `lint`, `db`, `rules`, `settings`, `demo` on the command line."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import ROOT, SmallProject, name_of, query
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres import own
from notifydb.postgres.connect import make_engine
from notifydb.settings import Environment

PREFIX = "notify-tests-preview"


@pytest.fixture
def notify_database(database: str) -> str:
    """The Notify schema with rows of test users and of real teams, marked as a test database."""
    from notifydb.cli import demo_data

    engine = make_engine(database)
    execute.upgrade(engine, Project(ROOT, ROOT / "alembic"))
    with engine.begin() as conn:
        own.install(conn)
        own.write_mark(conn, Environment.TEST)
        demo_data.load(conn, users=3, notifications_per_service=2)
    return database


def test_purge_plans_deletes_and_is_done(notify_database: str, notifydb: Notifydb) -> None:
    there = {"DATABASE_URL": notify_database, "NOTIFYDB_ENVIRONMENT": "test"}
    matching = f"SELECT count(*) FROM users WHERE starts_with(email_address, '{PREFIX}')"
    plan = notifydb("purge", "--prefix", PREFIX, "--dry-run", "--format", "json", **there)
    assert plan.code == 0
    assert matches_schema("purge", plan.json)
    assert plan.json["purged"] is None
    assert query(notify_database, matching) == [(3,)]
    unconfirmed = notifydb("purge", "--prefix", PREFIX, **there)
    assert unconfirmed.code == 3
    assert "the database's name was not typed as confirmation" in unconfirmed.err
    name = name_of(notify_database)
    done = notifydb("purge", "--prefix", PREFIX, "--confirm", name, "--format", "json", **there)
    assert done.code == 0, done.err
    assert matches_schema("purge", done.json)
    assert done.json["purged"]["rows"] == plan.json["plan"]["rows"]
    assert query(notify_database, matching) == [(0,)]
    again = notifydb("purge", "--prefix", PREFIX, "--confirm", name, **there)
    assert str(again) == "exit 0\n"


@pytest.mark.parametrize("environment", ["production", "Production ", "", "demo"])
def test_purge_never_in_production(environment: str, notify_database: str, notifydb: Notifydb) -> None:
    refused = notifydb(
        "purge", "--prefix", PREFIX, "--confirm", name_of(notify_database),
        DATABASE_URL=notify_database, NOTIFYDB_ENVIRONMENT=environment, NOTIFYDB_ALLOW_DESTRUCTIVE="true",
    )  # fmt: skip
    assert refused.code == 3
    assert "purge is never done there" in refused.err
    outcome = query(
        notify_database, "SELECT operation, outcome FROM notifydb.history ORDER BY id DESC LIMIT 1"
    )
    assert outcome == [("purge", "refused")]


@pytest.mark.parametrize(
    "prefix", ["", "%", "_____", "\\\\\\\\\\", "notify-tests\x01", "a" * 10_000, "n\u043etify-tests"]
)
def test_a_prefix_that_could_match_anybody(prefix: str, notify_database: str, notifydb: Notifydb) -> None:
    there = {"DATABASE_URL": notify_database, "NOTIFYDB_ENVIRONMENT": "test"}
    refused = notifydb("purge", "--prefix", prefix, "--confirm", name_of(notify_database), **there)
    assert refused.code == 2
    assert "error: " in refused.err


def test_purge_without_a_mark(notify_database: str, notifydb: Notifydb) -> None:
    query(notify_database, "DELETE FROM notifydb.environment")
    there = {"DATABASE_URL": notify_database, "NOTIFYDB_ENVIRONMENT": "test"}
    refused = notifydb("purge", "--prefix", PREFIX, "--confirm", name_of(notify_database), **there)
    assert str(refused) == snapshot("""\
exit 3
[err]
error: purge of database 'TESTDB' is refused
  - the database carries no mark of what it is (notifydb environment show)
""")


def test_lint_at_the_line_with_the_lock(
    small_project: SmallProject, notifydb: Notifydb, server_url: str
) -> None:
    small_project.add(
        "0001_users", 'op.create_table("users", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))'
    )
    small_project.add(
        "0002_index", 'op.create_index("ix_name", "users", ["name"])', 'op.drop_index("ix_name")'
    )
    (small_project.project.script_location / ".current-alembic-head").write_text("0002_index\n")
    there = {"NOTIFYDB_SHADOW_URL": server_url}
    found = notifydb("lint", "0002", "--format", "json", **there)
    assert found.code == 1
    assert matches_schema("lint", found.json)
    (finding,) = found.json["findings"]
    assert (finding["rule"], finding["path"], finding["line"], finding["status"]) == (
        "create-index-not-concurrent", "alembic/versions/0002_index.py", 15, "confirmed",
    )  # fmt: skip
    assert {"relation": "users", "mode": "Share"} in finding["locks"]
    static = notifydb("lint", "0002", "--static", "--format", "json")
    assert [each["status"] for each in static.json["findings"]] == ["static"]
    assert (
        "::error file=alembic/versions/0002_index.py,line=15,"
        in notifydb("lint", "0002", "--format", "github", **there).out
    )
    assert notifydb("lint", "0001", **there).code in (0, 1)


def test_lint_says_what_it_could_not_do(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add(
        "0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))', 'op.drop_table("users")'
    )
    gone = {"NOTIFYDB_SHADOW_URL": "postgresql://nobody@127.0.0.1:1/x"}
    assert notifydb("lint", "0001", "--trace", **gone).code == 4
    skipped = notifydb("lint", "0001", "--format", "json", **gone)
    assert skipped.json["skipped"]
    assert notifydb("lint", "0001", "--strict", **gone).code == 1
    assert notifydb("lint", "0001", "--trace", "--static").code == 2
    unknown = notifydb("lint")
    assert unknown.code == 2
    assert "name the revisions, or a ref with --since, or give --all" in unknown.err


def test_rules(notifydb: Notifydb) -> None:
    listed = notifydb("rules")
    assert listed.code == 0
    assert "create-index-not-concurrent" in listed.out
    assert "CONCURRENTLY" in notifydb("rules", "create-index-not-concurrent").out
    assert matches_schema("rules", notifydb("rules", "--format", "json").json)
    assert notifydb("rules", "no-such-rule").code == 2


def test_settings_hide_what_is_secret(notifydb: Notifydb) -> None:
    shown = notifydb("settings", DATABASE_URL="postgres://user:s3cr3t@host/db")
    assert "database_url             postgresql+psycopg://user:***@host/db  (DATABASE_URL)" in shown.out
    assert "s3cr3t" not in shown.out + shown.err
    assert "script_location          alembic  (notifydb.toml)" in shown.out


def test_the_embedded_database_from_start_to_reset(notifydb: Notifydb, small_project: SmallProject) -> None:
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    development = {"NOTIFYDB_ENVIRONMENT": "development"}
    assert notifydb("db", "status").code == 1
    try:
        upgraded = notifydb("upgrade", **development)
        assert upgraded.err.startswith("using the embedded Postgres (no DATABASE_URL is set)\n")
        assert notifydb("db", "status").code == 0
        assert matches_schema("db-status", notifydb("db", "status", "--format", "json").json)
        assert matches_schema("db-url", notifydb("db", "url", "--format", "json").json)
        assert notifydb("db", "psql", "--", "-Atc", "SELECT count(*) FROM users").out == "0\n"
        assert notifydb("db", "start").err == "it was running already\n"
        assert notifydb("db", "reset", **development).code == 3
        production = {"NOTIFYDB_ENVIRONMENT": "production", "NOTIFYDB_ALLOW_DESTRUCTIVE": "true"}
        assert notifydb("db", "reset", "--confirm", "notifydb", **production).code == 3
        assert notifydb("db", "reset", "--confirm", "notifydb", **development).code == 0
        assert "at no revision" in notifydb("status", **development).out
    finally:
        assert notifydb("db", "stop").code == 0
    assert notifydb("db", "stop").err == "it was not running\n"


def test_a_url_that_only_looks_embedded_is_not(notifydb: Notifydb, small_project: SmallProject) -> None:
    """libpq connects to hostaddr, whatever host says: such a database was once purged without a mark."""
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    assert notifydb("db", "start").code == 0
    try:
        url = (
            notifydb("db", "url", "--format", "json")
            .json["url"]
            .replace("FOLDER", str(small_project.project.root))
        )
        ours = notifydb("environment", "show", DATABASE_URL=url)
        assert ours.code == 0, ours.err
        led_away = notifydb("purge", "--prefix", PREFIX, "--confirm", "notifydb",
                            DATABASE_URL=f"{url}&hostaddr=127.0.0.1&port=1")  # fmt: skip
        assert led_away.code in (2, 4), led_away.err
    finally:
        notifydb("db", "stop")


def test_a_password_in_a_migration_leaves_valid_json(small_project: SmallProject, notifydb: Notifydb) -> None:
    """Redacting the finished document once cut a quote out of it."""
    small_project.add(
        "0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))', 'op.drop_table("users")'
    )
    body = """op.execute("UPDATE users SET a = 'postgres://u:s3cr3t@h/d', b = 'password = \\"s3cr3t\\"'")"""
    small_project.add("0002_secret", body)
    for output in ("json", "sarif"):
        report = notifydb("lint", "0002", "--static", "--format", output)
        assert report.json
        assert "s3cr3t" not in report.out
    text = notifydb("lint", "0002", "--static")
    assert "postgres://u:***@h/d" in text.out
    assert "s3cr3t" not in text.out


def test_what_is_typed_is_redacted_in_errors(notifydb: Notifydb) -> None:
    shown = notifydb("lint", "postgresql://user:s3cr3t@host/db")
    assert shown.code == 2
    assert "s3cr3t" not in shown.err
