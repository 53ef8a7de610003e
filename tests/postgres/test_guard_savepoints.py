"""Rows that a rollback to a savepoint brought back, which the server counts as deleted all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from postgres.test_runner_bugs import users

from conftest import MakeRunner, SmallProject, name_of, query
from notifydb import errors
from notifydb.postgres.connect import plain_url
from notifydb.postgres.losses import Losses, Suspect

__all__ = ["users"]

NESTED = """
nested = op.get_bind().begin_nested()
op.execute("DELETE FROM users")
nested.rollback()
"""


@pytest.mark.parametrize(
    "body",
    [
        NESTED,
        NESTED + 'op.execute("INSERT INTO users VALUES (3)")',
        'op.execute("SAVEPOINT a; DELETE FROM users; ROLLBACK TO a")\nop.execute("COMMIT")',
        NESTED + 'op.execute("ALTER TABLE log ADD COLUMN age int")',
    ],
)
def test_rows_that_a_savepoint_brought_back_are_not_lost(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_tries", body)
    make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM users WHERE id < 3") == [(2,)]


@pytest.mark.parametrize(
    "body",
    [
        NESTED + 'op.execute("DELETE FROM users WHERE id = 1")',
        # As many rows as before are not the same rows.
        NESTED + 'op.execute("DELETE FROM users WHERE id = 1")\nop.execute("INSERT INTO users VALUES (3)")',
        NESTED
        + 'op.execute("SAVEPOINT b; DELETE FROM users WHERE id = 1; RELEASE b; INSERT INTO users VALUES (3)")',
        NESTED + 'op.execute("DROP TABLE log")',
        NESTED + 'op.execute("ALTER TABLE users DROP COLUMN name")',
        NESTED + 'op.execute("TRUNCATE users; INSERT INTO users VALUES (1), (2)")',
        # The one that is deleted and the one that somebody else has deleted since are as many.
        (
            'op.execute("COMMIT")\nop.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")\n'
            'op.execute("SELECT 1 FROM log")\n'
            "import psycopg\nwith psycopg.connect(DSN) as other:\n    other.execute('DELETE FROM users WHERE id = 2')\n"
            'op.execute("SAVEPOINT a; DELETE FROM users WHERE id = 1; ROLLBACK TO a")\n'
            'op.execute("DELETE FROM users WHERE id = 1")\nop.execute("COMMIT")'
        ),
    ],
)
def test_of_rows_that_a_savepoint_did_not_bring_back_none_is_lost(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_destroys", body.replace("DSN", repr(plain_url(database))))
    with pytest.raises(errors.Refused):
        make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM users WHERE id = 1") == [(1,)]
    assert query(database, "SELECT to_regclass('log')::text") == [("log",)]


class Meanwhile(psycopg.Cursor[Any]):
    """A cursor before whose first statement something else happens."""

    happens: Callable[[], object] = staticmethod(lambda: None)

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self.happens()
        return super().execute(*arguments, **options)


def test_a_row_that_somebody_commits_meanwhile_does_not_stand_for_one_that_is_lost(
    database: str, users: SmallProject
) -> None:
    """Where sessions of the database see one snapshot throughout, nobody seemed to have committed."""
    url = plain_url(database)
    query(
        database, f"ALTER DATABASE {name_of(database)} SET default_transaction_isolation = 'repeatable read'"
    )
    with (
        psycopg.connect(url) as theirs,
        psycopg.connect(url, autocommit=True) as others,
        psycopg.connect(url) as ours,
    ):
        theirs.execute("INSERT INTO users VALUES (3)")
        ours.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        ours.execute("DELETE FROM users WHERE id = 1")
        found = ours.execute(
            "SELECT 'users'::regclass::oid::int, pg_relation_filenode('users')::int"
        ).fetchone()
        assert found is not None
        cursor = Meanwhile(ours)
        cursor.happens = theirs.commit
        suspect = Suspect(1, "public.users", found[1], is_new=False, gone=())
        assert not Losses(others.cursor).are_none({found[0]: suspect}, cursor)
