"""Downgrades that were cut short, what is said of them, and what is not said any more once they are settled."""

from __future__ import annotations

import psycopg
import pytest
from postgres.test_runner_bugs import BLOCK, VERSION, users

from cli.conftest import Notifydb, notifydb
from conftest import SmallProject, query
from notifydb.postgres.connect import plain_url

__all__ = ["notifydb", "users"]
AGES = 'op.execute("CREATE TABLE ages (id int)")'
BACK = 'op.execute("DROP TABLE ages")\nop.execute("COMMIT")\nop.execute("SELECT 1/0")'


def there(database: str) -> dict[str, str]:
    return {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "development"}


def test_a_stamp_past_a_migration_that_was_brought_back_by_hand_settles_it(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    """Upgrades were refused for good, since the row of the stamp is of another revision."""
    users.add("0002_ages", AGES, BACK)
    assert notifydb("upgrade", **there(database)).code == 0
    assert notifydb("downgrade", "-1", **there(database)).code == 6
    users.add("0003_log", 'op.execute("CREATE TABLE more ()")')
    query(database, "CREATE TABLE ages (id int); CREATE TABLE more ()")
    assert notifydb("stamp", "0003_log", **there(database)).code == 0
    assert notifydb("status", "--at-head", **there(database)).code == 0
    assert notifydb("upgrade", **there(database)).code == 0


def test_a_stamp_below_a_migration_that_was_taken_back_by_hand_settles_it(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    """The doctor went on to say that it was half done, after the very command that it names."""
    users.add("0002_ages", AGES, BACK)
    assert notifydb("upgrade", **there(database)).code == 0
    assert notifydb("downgrade", "-1", **there(database)).code == 6
    assert notifydb("stamp", "0001_users", **there(database)).code == 0
    assert "cut short" not in notifydb("doctor", **there(database)).out


def test_a_stamp_does_not_settle_an_upgrade_above_it(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    users.add("0002_ages", f'{AGES}\nop.execute("COMMIT")\nop.execute("SELECT 1/0")')
    assert notifydb("upgrade", **there(database)).code == 6
    assert notifydb("stamp", "0001_users", **there(database)).code == 0
    assert "0002_ages was cut short with 1 statement committed" in notifydb("doctor", **there(database)).out


@pytest.mark.parametrize(
    ("below", "command"),
    [("0001_users", "notifydb downgrade -2"), ("0003_ages", "notifydb downgrade 0001_users")],
)
def test_the_hint_for_a_migration_that_was_brought_back_forgets_no_other_row(
    below: str, command: str, database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    """A stamp of it would have forgotten the branch beside it, or what stands on it."""
    users.add("0003_ages", AGES, BACK, down="0001_users")
    assert notifydb("upgrade", **there(database)).code == 0
    users.add("0004_side", 'op.execute("CREATE TABLE side ()")', 'op.execute("DROP TABLE side")', down=below)
    assert notifydb("downgrade", "0001_users", **there(database)).code == 6
    # As Alembic itself goes on.
    query(database, "CREATE TABLE side ()")
    query(database, f"DELETE FROM alembic_version WHERE version_num = '{below}'")
    query(database, "INSERT INTO alembic_version VALUES ('0004_side')")
    told = notifydb("status", **there(database)).err
    back, by_hand = told.split("next: ")[1].strip().split("; or bring back by hand what it took, and: ")
    assert back == f"{command} takes back the rest"
    query(database, f"CREATE TABLE ages (id int); {by_hand}")
    rows = query(database, VERSION)
    assert notifydb("status", **there(database)).code == 0
    assert query(database, VERSION) == rows


INDEX = f'{BLOCK}op.execute("CREATE INDEX CONCURRENTLY ix ON users (id)")'
NO_INDEX = f'{BLOCK}op.execute("DROP INDEX CONCURRENTLY ix")'


def test_an_index_that_a_downgrade_dropped_before_it_failed_is_not_said_to_be_rolled_back(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    """The hint said so, and an upgrade that there was nothing to do."""
    users.add("0002_index", INDEX, f'{NO_INDEX}\nop.execute("SELECT 1/0")')
    assert notifydb("upgrade", **there(database)).code == 0
    told = notifydb("downgrade", "-1", **there(database))
    assert told.code == 6
    assert "what it did there may have stayed: mend the migration behind that" in told.err
    assert query(database, "SELECT to_regclass('ix')::text") == [(None,)]
    told = notifydb("upgrade", **there(database))
    assert told.code == 6
    assert "0002_index is half taken back: a downgrade by" in told.err
    assert "may have done a part of it" in told.err
    assert notifydb("status", "--at-head", **there(database)).code == 1
    users.add("0002_index", INDEX, NO_INDEX, down="0001_users")
    assert notifydb("downgrade", "0001_users", **there(database)).code == 0
    assert notifydb("upgrade", **there(database)).code == 0
    assert query(database, "SELECT to_regclass('ix')::text") == [("ix",)]


def test_an_index_that_a_downgrade_could_not_drop_is_not_said_to_be_half_taken_back(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    users.add("0002_index", INDEX, NO_INDEX)
    assert notifydb("upgrade", **there(database)).code == 0
    with psycopg.connect(plain_url(database)) as other:
        other.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
        told = notifydb("downgrade", "-1", "--lock-timeout", "0.2", "--deadline", "2", **there(database))
        assert told.code == 4
    assert notifydb("upgrade", **there(database)).code == 0
    assert notifydb("status", "--at-head", **there(database)).code == 0
