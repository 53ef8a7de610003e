"""`notifydb upgrade --sql`, and where an upgrade goes to."""

# ruff: noqa: E501

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb
from conftest import SmallProject, query

NOWHERE = {"NOTIFYDB_SHADOW_URL": "postgresql://nobody@127.0.0.1:1/x"}


@pytest.fixture
def grown(small_project: SmallProject) -> SmallProject:
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    small_project.add(
        "0002_index",
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix_users", "users", ["id"], postgresql_concurrently=True)',
    )
    small_project.add(
        "0003_asks",
        'if op.get_bind().execute(sa.text("SELECT count(*) FROM users")).scalar() == 0:\n'
        '    op.execute("INSERT INTO users VALUES (1)")',
    )
    return small_project


def test_a_range_without_any_database(grown: SmallProject, notifydb: Notifydb) -> None:
    assert str(notifydb("upgrade", ":0002", "--sql", **NOWHERE)) == snapshot("""\
exit 0
[out]
-- notifydb 0.1.0: from base to 0002_index, for psql --no-psqlrc

\\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
DO $$
DECLARE
    found text := (SELECT string_agg(version_num, ', ' ORDER BY version_num COLLATE "C") FROM alembic_version);
BEGIN
    IF coalesce(found, 'base') <> 'base' THEN
        RAISE EXCEPTION 'this script begins at %, and the database is at %', 'base', coalesce(found, 'base');
    END IF;
END
$$;

-- 0001_users
BEGIN;
CREATE TABLE users (
	id INTEGER
);
INSERT INTO alembic_version (version_num) VALUES ('0001_users');
COMMIT;

-- 0002_index
CREATE INDEX CONCURRENTLY ix_users ON users (id);
BEGIN;
UPDATE alembic_version SET version_num = '0002_index' WHERE version_num = '0001_users';
COMMIT;
[err]
2 migrations written, up to 0002_index
next: read it, then psql --no-psqlrc -f FILE
""")


def test_what_only_a_database_can_tell(
    grown: SmallProject, notifydb: Notifydb, database: str, server_url: str
) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_SHADOW_URL": server_url}
    assert notifydb("upgrade", "0002", **there).code == 0
    assert str(notifydb("upgrade", "--sql", **there)) == snapshot("""\
exit 0
[out]
-- notifydb 0.1.0: from 0002_index to 0003_asks, for psql --no-psqlrc
--
-- These need a database to say what they send, so they were run on an empty one (it has only the rows that
-- migrations load), and what they sent there is below. Where a statement depends on rows, as in a loop over
-- them, it is that of an empty database: look at it, or run these with notifydb upgrade.
--   0003_asks

\\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

DO $$
DECLARE
    found text := (SELECT string_agg(version_num, ', ' ORDER BY version_num COLLATE "C") FROM alembic_version);
BEGIN
    IF coalesce(found, 'base') <> '0002_index' THEN
        RAISE EXCEPTION 'this script begins at %, and the database is at %', '0002_index', coalesce(found, 'base');
    END IF;
END
$$;

-- 0003_asks
-- as it ran on an empty database
BEGIN;
INSERT INTO users VALUES (1);
UPDATE alembic_version SET version_num = '0003_asks' WHERE version_num = '0002_index';
COMMIT;
[err]
1 migration written, up to 0003_asks
warning: 0003_asks does not run offline: it looks at what a statement returns; taken down on an empty database
next: read it, then psql --no-psqlrc -f FILE
""")
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_index",)]


def test_what_can_be_written_in_no_way(grown: SmallProject, notifydb: Notifydb, server_url: str) -> None:
    assert str(notifydb("upgrade", "0002:", "--sql", **NOWHERE)) == snapshot("""\
exit 4
[err]
error: 0003_asks does not run offline: it looks at what a statement returns; nor can it be taken down on a shadow: the server cannot be used for shadow databases: connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused
  next: NOTIFYDB_SHADOW_URL names a server where this role may create databases
""")
    grown.add("0004_fails", 'op.get_bind().execute(sa.text("SELECT 1/0")).scalar()')
    assert str(notifydb("upgrade", "0003:", "--sql", NOTIFYDB_SHADOW_URL=server_url)) == snapshot("""\
exit 6
[err]
error: 0004_fails does not run offline: it looks at what a statement returns; nor can it be taken down on a shadow: 0004_fails failed in upgrade() at 0004_fails.py:15: division by zero
  next: nothing was written; run it with notifydb upgrade instead
""")


def test_ranges_that_lead_nowhere(grown: SmallProject, notifydb: Notifydb) -> None:
    assert str(notifydb("upgrade", "0002:0001", "--sql", **NOWHERE)) == snapshot("""\
exit 2
[err]
error: 0001_users does not stand on 0002_index
  next: notifydb history
""")
    assert str(notifydb("upgrade", "0002:0002", "--sql", **NOWHERE)) == snapshot("""\
exit 0
[err]
nothing to do: it is at 0002_index
""")
    assert str(notifydb("upgrade", "0001:0002", **NOWHERE)) == snapshot("""\
exit 2
[err]
error: no revision '0001:0002'
  next: notifydb history
""")


def test_the_ways_to_name_a_target(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    there = {"DATABASE_URL": database}
    for given in (["--one"], ["+1"], ["--to", "0001"], ["0001", "--to", "0001"], ["+1", "--one"]):
        assert str(notifydb("upgrade", "--dry-run", *given, **there)) == snapshot("""\
exit 0
[out]
would upgrade 0001_users
""")
    assert str(notifydb("upgrade", "0001", "--to", "0002", **there)) == snapshot("""\
exit 2
[err]
error: the target is given as 0001 and as 0002
  next: name one
""")
    assert notifydb("upgrade", "--to", "0002", "--one", **there).code == 2


@pytest.mark.parametrize("values", ["(1, ' :foo and x')", "(1, :x)"])
def test_a_word_after_a_colon_is_not_written_as_null(
    values: str, grown: SmallProject, notifydb: Notifydb, server_url: str
) -> None:
    """The script put NULL in its place, of a text too, where an upgrade fails."""
    grown.add("0004_notes", f'op.execute("INSERT INTO notes VALUES {values}")')
    done = notifydb("upgrade", "0003:0004", "--sql", NOTIFYDB_SHADOW_URL=server_url)
    assert done.code == 6
    assert done.out == ""
    nowhere = notifydb("upgrade", "0003:0004", "--sql", **NOWHERE)
    assert nowhere.code != 0
    assert "NULL" not in nowhere.out
