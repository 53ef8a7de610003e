"""Downgrades that were cut short, what is said of them, and what is not said any more once they are settled."""

from __future__ import annotations

import pytest
from postgres.test_runner_bugs import VERSION, users

from cli.conftest import Notifydb, notifydb
from conftest import SmallProject, query

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
