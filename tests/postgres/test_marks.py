"""What the database says of itself, in its two places, and whether a permit still holds."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from conftest import name_of, query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.postgres import own
from notifydb.postgres.connect import make_engine
from notifydb.settings import Environment, Voice

TEST = Mark("present", Environment.TEST)


@pytest.fixture
def marked(database: str) -> str:
    """A database that is marked as a test database."""
    with make_engine(database).begin() as conn:
        own.install(conn)
        own.write_mark(conn, Environment.TEST)
    return database


def permit_on(url: str, mark: Mark = TEST, *, embedded: bool = False) -> guard.Permit:
    voices = (Voice("a setting", Environment.TEST),)
    target = Target(name_of(url), mark, embedded=embedded)
    return guard.permit(Request(Operation.PURGE, target, voices, confirmation=name_of(url)))


def still(url: str, permit: guard.Permit) -> tuple[str, ...]:
    """The reasons against going on, none where the permit holds."""
    try:
        with make_engine(url).begin() as conn:
            own.check_still(conn, permit)
    except errors.Refused as refusal:
        assert refusal.reasons
        return refusal.reasons
    return ()


def setting_of(url: str) -> Mark:
    with make_engine(url).connect() as conn:
        return own.read_setting(conn)


def test_a_permit_holds_while_nothing_changes(marked: str) -> None:
    assert still(marked, permit_on(marked)) == ()


def test_a_permit_is_looked_at_with_one_query(marked: str) -> None:
    with make_engine(marked).begin() as conn:
        sent: list[str] = []
        sa.event.listen(conn, "before_cursor_execute", lambda *each: sent.append(each[2]))
        own.check_still(conn, permit_on(marked))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE notifydb.environment SET name = 'staging'", "the permit is for test, the database's mark says staging"),
        ("UPDATE notifydb.environment SET name = 'production'", "says production"),
        ("UPDATE notifydb.environment SET name = 'nonsense'", "which cannot be read says production"),
        ("UPDATE notifydb.environment SET system_identifier = '1'", "written for another database"),
        ("UPDATE notifydb.environment SET database_oid = 1", "written for another database"),
        ("DELETE FROM notifydb.environment", "carries no mark"),
        ("DROP TABLE notifydb.environment", "cannot be read"),
        ("ALTER TABLE notifydb.environment DROP COLUMN database_oid", "cannot be read"),
        ("ALTER TABLE notifydb.environment RENAME TO e;"
         " CREATE VIEW notifydb.environment AS SELECT * FROM notifydb.e", "cannot be read"),
        ("CREATE TABLE notifydb.more () INHERITS (notifydb.environment); INSERT INTO notifydb.more"
         " SELECT * FROM notifydb.environment", "cannot be read"),
        ("ALTER TABLE notifydb.environment ALTER name DROP NOT NULL; UPDATE notifydb.environment SET name = NULL",
         "cannot be read"),
        ("ALTER DATABASE {name} SET notifydb.environment = 'production'", "says production"),
        ("ALTER DATABASE {name} SET notifydb.environment = 'Production '", "says production"),
        ("ALTER DATABASE {name} SET notifydb.environment = 'staging'", "says staging"),
        ("ALTER DATABASE {name} SET notifydb.environment = ''", "which cannot be read"),
        ("ALTER ROLE postgres IN DATABASE {name} SET notifydb.environment = 'production'", "says production"),
    ],
)  # fmt: skip
def test_a_permit_falls_with_what_it_was_made_from(change: str, reason: str, marked: str) -> None:
    permit = permit_on(marked)
    query(marked, change.format(name=name_of(marked)))
    (said,) = still(marked, permit)
    assert reason in said
