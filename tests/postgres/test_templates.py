"""A change of data in batches, and the statements of a file, as migrations that run."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import SmallProject, query
from notifydb import errors
from notifydb.autogen.templates import data_body, sql_body
from notifydb.lint.engine import lint
from notifydb.migrator import execute
from notifydb.postgres.connect import make_engine
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows

USERS = """
op.execute("CREATE TABLE users (id int PRIMARY KEY, name text)")
op.execute("INSERT INTO users SELECT n FROM generate_series(1, 2500) n")
"""
FILL = "UPDATE users SET name = '100%:x' WHERE id IN (SELECT id FROM users WHERE name IS NULL LIMIT 1000)"


def test_a_backfill_commits_each_batch(small_project: SmallProject, database: str) -> None:
    body = data_body()
    # The third batch fails, so the first two show that they were committed.
    small_project.add(
        "0001_users", USERS + "op.execute('ALTER TABLE users ADD CHECK (id < 2400 OR name IS NULL)')"
    )
    filled = body.upgrade.replace(
        'backfill = ""', f"backfill = {FILL.replace('LIMIT', 'ORDER BY id LIMIT')!r}"
    )
    small_project.add("0002_fill", filled, body.downgrade)
    engine = make_engine(database)
    with pytest.raises(errors.MigrationFailed, match="violates check constraint"):
        execute.upgrade(engine, small_project.project, "0002_fill")
    assert query(database, "SELECT count(*) FROM users WHERE name LIKE '100%'") == [(2000,)]
    query(database, "ALTER TABLE users DROP CONSTRAINT users_check")
    execute.upgrade(engine, small_project.project, "0002_fill")
    assert query(database, "SELECT count(*) FROM users WHERE name LIKE '100%'") == [(2500,)]


def test_a_backfill_that_is_not_filled_in_fails(small_project: SmallProject, database: str) -> None:
    small_project.add("0001_fill", data_body().upgrade)
    with pytest.raises(errors.MigrationFailed, match="no rows are changed yet"):
        execute.upgrade(make_engine(database), small_project.project, "0001_fill")


def test_the_statements_of_a_file_run_as_they_are(
    small_project: SmallProject, database: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.sql"
    path.write_text(
        "CREATE TABLE texts (text text);\n"
        "INSERT INTO texts VALUES ('100%'), (':name ::x'), (E'a\\\\:b\\n'), ('{\"a\":1}'), ($$\\é\n  two$$);\n"
        "CREATE INDEX CONCURRENTLY ix_texts ON texts (text)"
    )
    body = sql_body(path)
    small_project.add("0001_texts", body.upgrade, body.downgrade)
    execute.upgrade(make_engine(database), small_project.project, "0001_texts")
    found = [text for (text,) in query(database, "SELECT text FROM texts")]
    assert found == ["100%", ":name ::x", "a\\:b\n", '{"a":1}', "\\é\n  two"]


def test_the_linter_has_nothing_against_a_backfill(small_project: SmallProject, database: str) -> None:
    body = data_body()
    small_project.add("0001_users", USERS, 'op.execute("DROP TABLE users")')
    small_project.add(
        "0002_fill", body.upgrade.replace('backfill = ""', f"backfill = {FILL!r}"), body.downgrade
    )
    project = small_project.project
    history = read_history(project.versions)
    report = lint(history, ["0002_fill"], project, shadows=Shadows(database, project, history))
    assert [finding.rule for finding in report.findings if finding.rule != "head-file"] == []
    assert report.revisions_checked == 1
