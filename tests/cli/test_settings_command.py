"""`settings`: what it shows, what it hides, and that a bad setting is the user's, not notifydb's, mistake."""

from __future__ import annotations

import json

import pytest

from cli.conftest import Notifydb
from conftest import SmallProject

SEVERAL = json.dumps(
    {"aws-rds": [{"name": name, "credentials": {"uri": f"postgres://u:Sekret@h/{name}"}} for name in "ab"]}
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://bob:Sek'ret@h/x", "postgresql+psycopg://bob:***@h/x"),
        ("postgres://us@er:Sekret@h/x", "postgresql+psycopg://us@er:***@h/x"),
        ('postgres://u:Sek ret\n"@h/x', "postgresql+psycopg://u:***@h/x"),
        ("postgres://u@h/x?password=Sekret", "postgresql+psycopg://u@h/x?password=***"),
    ],
)
def test_settings_show_no_password_however_it_is_written(url: str, shown: str, notifydb: Notifydb) -> None:
    outcome = notifydb("settings", DATABASE_URL=url)
    assert f"database_url             {shown}  (DATABASE_URL)\n" in outcome.out
    assert "Sek" not in outcome.out + outcome.err
    listed = {each["name"]: each["value"] for each in notifydb("settings", "--format", "json", DATABASE_URL=url).json["settings"]}  # fmt: skip  # noqa: E501
    assert listed["database_url"] == shown


@pytest.mark.parametrize(
    "url", ["postgres://u:Sekret@h:x/d", "postgres://u:Sekret@[::1", "postgres://u:Sekret@h/d?foo=bar"]
)
def test_a_url_that_cannot_be_used_is_no_bug_in_notifydb(url: str, notifydb: Notifydb) -> None:
    for command in ("settings", "status"):
        outcome = notifydb(command, DATABASE_URL=url)
        assert outcome.code == 2
        assert "Sekret" not in outcome.err
    assert notifydb("status", "--database-url", url).code == 2


def test_the_hint_is_not_redacted(notifydb: Notifydb) -> None:
    outcome = notifydb("settings", DATABASE_URL="x")
    assert outcome.err.endswith("  next: it looks like postgresql://USER:***@HOST:5432/NAME\n")


def test_several_bound_databases_stop_only_what_needs_one(
    notifydb: Notifydb, small_project: SmallProject
) -> None:
    small_project.add("0001_users", "pass")
    assert notifydb("heads", VCAP_SERVICES=SEVERAL).code == 0
    shown = notifydb("settings", VCAP_SERVICES=SEVERAL)
    assert shown.code == 0
    assert "database_url             -  (VCAP_SERVICES binds several databases: a, b)\n" in shown.out
    refused = notifydb("status", VCAP_SERVICES=SEVERAL, NOTIFYDB_ENVIRONMENT="development")
    assert refused.code == 2
    assert "set NOTIFYDB_SERVICE_NAME" in refused.err
    assert "Sekret" not in shown.out + refused.err


def test_heads_in_the_folder_of_flask_migrate(notifydb: Notifydb, small_project: SmallProject) -> None:
    small_project.add("0001_users", "pass")
    root = small_project.project.root
    (root / "notifydb.toml").unlink()
    migrations = (root / "alembic").rename(root / "migrations")
    for name in ("alembic.ini", "env.py"):
        (migrations / name).write_text("[alembic]\n")
    for folder in (root, migrations, migrations / "versions"):
        assert notifydb("heads", cwd=folder).out == "0001_users\n"


def test_a_garbled_ini_is_no_bug_in_notifydb(notifydb: Notifydb, small_project: SmallProject) -> None:
    root = small_project.project.root
    (root / "notifydb.toml").unlink()
    (root / "alembic.ini").write_bytes(b"\x00\xff")
    assert notifydb("heads").code == 2
