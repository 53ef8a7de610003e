"""Projects that were Alembic's before: what env.py and alembic.ini say, which notifydb does not run."""

from __future__ import annotations

import pytest

from cli.conftest import Notifydb
from conftest import SmallProject, query

HUNDREDFOLD = 'op.execute("update acc set n = n * 100")'
DEVELOPMENT = {"NOTIFYDB_ENVIRONMENT": "development"}


@pytest.mark.parametrize(
    ("argument", "table", "statement"),
    [
        (
            "version_table='schema_version'",
            "schema_version",
            "ALTER TABLE schema_version RENAME TO alembic_v",
        ),
        (
            "version_table_schema='meta'",
            "meta.alembic_version",
            "ALTER TABLE meta.alembic_version SET SCHEMA",
        ),
    ],
)
def test_a_version_table_that_env_py_names_is_not_passed_over(
    argument: str, table: str, statement: str,
    small_project: SmallProject, notifydb: Notifydb, database: str,
) -> None:  # fmt: skip
    small_project.add("0001_acc", HUNDREDFOLD)
    env = small_project.project.script_location / "env.py"
    env.write_text(f"from alembic import context\ncontext.configure(connection=None, {argument})\n")
    query(database, "CREATE SCHEMA meta")
    query(database, "CREATE TABLE acc AS SELECT 100 AS n")
    query(database, f"CREATE TABLE {table} AS SELECT '0001_acc' AS version_num")
    there = {"DATABASE_URL": database, **DEVELOPMENT}
    for command in (
        "upgrade", "upgrade --plan", "upgrade --sql", "downgrade base", "stamp heads", "status", "current",
        "check", "check --database", "doctor --no-shadow",
    ):  # fmt: skip
        refused = notifydb(*command.split(), **there)
        assert (refused.code, argument in refused.err, statement in refused.err) == (2, True, True), command
    assert query(database, "SELECT n FROM acc") == [(100,)]


@pytest.mark.parametrize(
    "env",
    [
        "context.configure(version_table='alembic_version', version_table_schema=None)",
        "context.configure(version_table_schema='public')",
        "this is no Python",
        "\0",
        None,
    ],
)
def test_an_env_py_that_names_no_other_version_table_is_no_error(
    env: str | None, small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    small_project.add("0001_acc", "pass")
    if env is not None:
        (small_project.project.script_location / "env.py").write_text(env)
    assert notifydb("current", DATABASE_URL=database, **DEVELOPMENT).code == 0


@pytest.mark.parametrize("env", ["configure(version_table=NAME)", "configure(**{'version_table': NAME})"])
def test_a_version_table_whose_name_only_running_env_py_would_tell_is_refused(
    env: str, small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    (small_project.project.script_location / "env.py").write_text(f"context.{env}\n")
    refused = notifydb("status", DATABASE_URL=database, **DEVELOPMENT)
    assert (refused.code, "(version_table=NAME)" in refused.err) == (2, True)
    assert "ALTER TABLE THAT_TABLE RENAME TO alembic_version;" in refused.err
