"""`notifydb doctor` as a person and a job see it."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject, query

USERS = 'op.execute("CREATE TABLE users (id serial PRIMARY KEY, name text)")'
INDEX = 'op.execute("CREATE INDEX ix_users_name ON users (name)")'


@pytest.fixture
def there(small_project: SmallProject, database: str, notifydb: Notifydb, server_url: str) -> dict[str, str]:
    """The variables of a database that has all that the history makes."""
    small_project.add("0001_users", USERS)
    small_project.add("0002_index", INDEX)
    variables = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "test", "NOTIFYDB_SHADOW_URL": server_url}
    assert notifydb("upgrade", **variables).code == 0
    return variables


def test_a_healthy_database(there: dict[str, str], notifydb: Notifydb) -> None:
    assert str(notifydb("doctor", **there)) == snapshot("""\
exit 0
[err]
nothing found in 13 checks; the database is at 0002_index
""")
    assert str(notifydb("doctor", "--no-shadow", **there)) == snapshot("""\
exit 0
[err]
not checked: unvalidated-constraints, missing-objects, unstamped-objects, unknown-objects: --no-shadow was given
nothing found in 9 checks, 4 did not run; the database is at 0002_index
""")


def test_what_is_printed_mends(there: dict[str, str], notifydb: Notifydb, database: str) -> None:
    query(database, "DROP INDEX ix_users_name")
    query(database, "DELETE FROM notifydb.environment")
    query(database, "ALTER TABLE users ADD CONSTRAINT ck_users_name CHECK (name <> '') NOT VALID")
    assert str(notifydb("doctor", **there)) == snapshot("""\
exit 1
[out]
error: index public.ix_users_name is missing
  0002_index makes it
  mend: CREATE INDEX CONCURRENTLY ix_users_name ON public.users USING btree (name);
warning: the database's mark of what it is: missing
  nobody has said in it what it is: a purge is refused, and only the settings speak
  mend: notifydb environment set test
note: one object is there that no migration makes
  constraint public.users.ck_users_name
  next: notifydb check --database
[err]
1 error, 1 warning, 1 note in 13 checks; the database is at 0002_index
""")
    found = notifydb("doctor", "--format", "json", **there).json
    assert matches_schema("doctor", found)
    for line in found["found"][0]["mend"]:
        query(database, line)
    assert [each["check"] for each in notifydb("doctor", "--format", "json", **there).json["found"]] == [
        "environment-mark", "unknown-objects",
    ]  # fmt: skip


def test_a_stamp_by_hand(there: dict[str, str], notifydb: Notifydb, database: str) -> None:
    query(database, "UPDATE alembic_version SET version_num = '0001_users'")
    assert str(notifydb("doctor", **there)) == snapshot("""\
exit 1
[out]
error: 0002_index was run and not stamped
  all that it makes is in the catalog: an upgrade would fail on what exists
  mend: notifydb stamp 0002_index
[err]
1 error in 13 checks; the database is at 0001_users
""")
    found = notifydb("doctor", "--format", "json", **there).json["found"]
    for line in found[0]["mend"]:
        assert notifydb(*shlex.split(line)[1:], **there).code == 0
    assert notifydb("doctor", **there).code == 0


def test_an_edited_file_is_found_in_git(
    there: dict[str, str], notifydb: Notifydb, small_project: SmallProject, git: Callable[..., str]
) -> None:
    git("add", "alembic")
    git("commit", "-q", "-m", "as it was applied")
    path = small_project.project.versions / "0002_index.py"
    path.write_text(path.read_text().replace("(name)", "(id)"))
    commit = git("log", "--format=%h").strip()
    said = str(notifydb("doctor", **there)).replace(commit, "COMMIT")
    assert said == snapshot("""\
exit 1
[out]
error: alembic/versions/0002_index.py was edited after it was applied
  upgrade() does something else now: other databases will not be as this one; it was applied at TIME by SOMEBODY
  mend: git checkout COMMIT -- alembic/versions/0002_index.py
error: index public.ix_users_name is not what the history makes
  0002_index makes it
  expected: CREATE INDEX ix_users_name ON public.users USING btree (id)
  found: CREATE INDEX ix_users_name ON public.users USING btree (name)
  its file was edited after it was applied
  mend: git checkout COMMIT -- alembic/versions/0002_index.py
  or:   DROP INDEX CONCURRENTLY public.ix_users_name;
        CREATE INDEX CONCURRENTLY ix_users_name ON public.users USING btree (id);
[err]
2 errors in 13 checks; the database is at 0002_index
""")
    git("checkout", commit, "--", "alembic/versions/0002_index.py")
    assert notifydb("doctor", **there).code == 0


def test_no_shadow_server(there: dict[str, str], notifydb: Notifydb) -> None:
    gone = {**there, "NOTIFYDB_SHADOW_URL": "postgres://nobody:secret@127.0.0.1:1/none"}
    said = notifydb("doctor", **gone)
    assert said.code == 0
    assert "secret" not in str(said)
    assert (
        "missing-objects, unstamped-objects, unknown-objects: the server cannot be used for shadow databases"
        in said.err
    )
    assert said.err.endswith("nothing found in 9 checks, 4 did not run; the database is at 0002_index\n")
