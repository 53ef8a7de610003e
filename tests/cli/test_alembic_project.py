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
    assert (
        refused.code,
        "may keep the database's revision in another table (version_table=NAME)" in refused.err,
    ) == (2, True)
    assert "ALTER TABLE THAT_TABLE RENAME TO alembic_version;" in refused.err


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("alembic.ini", "[alembic]\nversion_locations = %(here)s/alembic/versions, %(here)s/more\n"),
        ("alembic.ini", "[alembic]\nscript_location = %(here)s/alembic\nversion_locations = more\n"),
        ("alembic.ini", "[alembic]\nrecursive_version_locations = true\n"),
        ("alembic/alembic.ini", "[alembic]\nversion_locations =\n    alembic/versions\n    more\n"),
        ("pyproject.toml", "[tool.alembic]\nversion_locations = ['alembic/versions', '%(here)s/more']\n"),
        ("pyproject.toml", "[tool.alembic]\nrecursive_version_locations = true\n"),
    ],
)
def test_a_second_folder_of_migrations_is_not_passed_over(
    file: str, text: str, small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    small_project.add("0001_acc", "pass")
    (small_project.project.root / file).write_text(text)
    (small_project.project.versions / "year").mkdir()
    (small_project.project.versions / "year" / "0002_more.py").touch()
    refused = notifydb("status", "--at-head", DATABASE_URL=database, **DEVELOPMENT)
    assert (refused.code, "version_locations = " in refused.err) == (2, True)
    assert "move all migrations into alembic/versions" in refused.err


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("alembic.ini", "[alembic]\nversion_locations = %(here)s/alembic/versions\n"),
        ("alembic.ini", "[alembic]\nrecursive_version_locations = true\n"),
        ("alembic.ini", "[alembic]\nscript_location = other\nversion_locations = more\n"),
        ("pyproject.toml", "[tool.alembic]\nversion_locations = ['alembic/versions']\n"),
    ],
)
def test_alembics_word_for_the_one_folder_is_no_error(
    file: str, text: str, small_project: SmallProject, notifydb: Notifydb
) -> None:
    small_project.add("0001_acc", "pass")
    (small_project.project.root / file).write_text(text)
    assert notifydb("heads").out == "0001_acc\n"


def test_alembics_table_in_pyproject_names_the_folder(
    small_project: SmallProject, notifydb: Notifydb
) -> None:
    small_project.add("0001_acc", "pass")
    root = small_project.project.root
    (root / "notifydb.toml").unlink()
    (root / "db" / "here").mkdir(parents=True)
    (root / "alembic").rename(root / "db" / "here" / "alembic")
    table = '[tool.alembic]\nscript_location = "%(here)s/db/here/alembic"\n'
    (root / "pyproject.toml").write_text(table)
    assert notifydb("heads").out == "0001_acc\n"
    (root / "pyproject.toml").write_text(table.replace("here/alembic", "gone"))
    assert "pyproject.toml [tool.alembic]: there is no migrations folder" in notifydb("heads").err


def test_a_migration_that_asks_for_alembics_x_arguments_gets_none(
    small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    asks = (
        'from alembic import context\nassert context.get_x_argument(as_dictionary=True).get("tenant") is None'
    )
    small_project.add("0001_acc", asks)
    assert notifydb("upgrade", DATABASE_URL=database, **DEVELOPMENT).code == 0


def test_a_version_table_with_a_column_of_the_projects_own_is_stamped_as_by_alembic(
    small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    small_project.add("0001_acc", "pass")
    query(
        database,
        "CREATE TABLE alembic_version (at timestamptz DEFAULT now(), version_num varchar(32) NOT NULL)",
    )
    assert notifydb("upgrade", DATABASE_URL=database, **DEVELOPMENT).code == 0
    assert query(database, "SELECT version_num, at IS NULL FROM alembic_version") == [("0001_acc", False)]


@pytest.mark.parametrize(
    ("kind", "characters"), [("varchar(45)", 45), ("varchar", 200), ("text", 200), ("varchar(6)", 6)]
)
def test_an_id_may_be_as_long_as_the_databases_own_version_table_holds(
    kind: str, characters: int, small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    fits = "0001_" + "a" * (characters - 5)
    small_project.add(fits, "pass")
    query(database, f"CREATE TABLE alembic_version (version_num {kind} NOT NULL)")
    there = {"DATABASE_URL": database, **DEVELOPMENT}
    assert notifydb("upgrade", **there).code == 0
    assert query(database, "SELECT version_num FROM alembic_version") == [(fits,)]


def test_an_id_that_a_narrowed_version_table_cannot_hold_is_refused_before_it_runs(
    small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    small_project.add("0001_acc", 'op.execute("CREATE TABLE acc ()")')
    query(database, "CREATE TABLE alembic_version (version_num varchar(6) NOT NULL)")
    refused = notifydb("upgrade", DATABASE_URL=database, **DEVELOPMENT)
    assert (refused.code, "0001_acc has 8 characters; alembic_version holds 6" in refused.err) == (2, True)
    assert "ALTER TABLE alembic_version ALTER version_num TYPE varchar(32);" in refused.err
    assert query(database, "SELECT to_regclass('acc')") == [(None,)]


@pytest.mark.parametrize("file", ["alembic.ini", "alembic/alembic.ini"])
def test_a_migration_is_told_what_alembic_ini_says(
    file: str, small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    ini = small_project.project.root / file
    ini.write_text(
        "[alembic]\nmyschema = a%%b\nsqlalchemy.url = x://%\n[loggers]\nkeys = no\n[app]\nsize = 7\n"
    )
    reads = "from alembic import context\nconfig = context.config\n"
    made = 'config.get_main_option("myschema") + config.get_section("app")["size"]'
    small_project.add("0001_acc", f"{reads}op.create_table({made}, sa.Column('id', sa.Integer))")
    there = {"DATABASE_URL": database, **DEVELOPMENT}
    assert 'CREATE TABLE "a%b7"' in notifydb("upgrade", "--sql", **there).out
    assert notifydb("upgrade", **there).code == 0
    assert query(database, "SELECT to_regclass('\"a%b7\"') IS NULL") == [(False,)]
    assert notifydb("check", "--database", **there).code == 0
    ini.write_text(ini.read_text().replace("size = 7", "size = 8"))
    assert "missing table" in notifydb("check", "--database", **there).out


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("alembic.ini", "[alembic]\nprepend_sys_path = . src\n"),
        ("alembic.ini", "[alembic]\nprepend_sys_path = %(here)s/src\npath_separator = os\n"),
        ("pyproject.toml", "[tool.alembic]\nprepend_sys_path = ['%(here)s/src']\n"),
    ],
)
def test_a_migration_imports_from_where_alembic_lets_it(
    file: str, text: str, small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    root = small_project.project.root
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "__init__.py").write_text("NAME = 'acc'\n")
    (root / file).write_text(text)
    small_project.add("0001_acc", 'import shop\nop.create_table(shop.NAME, sa.Column("id", sa.Integer))')
    assert notifydb("upgrade", DATABASE_URL=database, **DEVELOPMENT).code == 0
    assert query(database, "SELECT to_regclass('acc')::text") == [("acc",)]
