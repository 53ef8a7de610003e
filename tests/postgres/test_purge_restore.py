"""What stands in the way of a restore, and what becomes of purges that were cut short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from postgres.purge_support import (
    PREFIX,
    address,
    database_of,
    dump,
    execute_on,
    plan_of,
    purge,
    put_back,
    run,
    settings,
)

from conftest import MakeDatabase, query
from notifydb import errors
from notifydb.postgres.connect import make_engine
from notifydb.purge.archive import MANIFEST
from notifydb.purge.archive_read import read_manifest
from notifydb.purge.events import Drained, Event
from notifydb.purge.execute import Purged

TEST, REAL = 1, 2
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({REAL}, 'person@example.gov')",
)
OWNED = (
    "CREATE TABLE a (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users)",
    "INSERT INTO a SELECT n, 1 + n % 2 FROM generate_series(1, 20) n",
)
JOURNAL = "SELECT state, rows, archive IS NOT NULL FROM notifydb.purge ORDER BY started_at"


@pytest.fixture
def users(database: str) -> str:
    """A database with one test user and one real user."""
    run(database, *USERS)
    return database


class Cut(Exception):
    """Stands for whatever ends a purge between two transactions."""


def cut_short(url: str, folder: Path, after: str, **changes: Any) -> None:
    """Deletes one table in batches and goes no further."""

    def stop(event: Event) -> None:
        if isinstance(event, Drained) and str(event.table) == after:
            raise Cut

    plan = plan_of(url, settings(batch_above=0, batch_rows=3, jobs=1, **changes))
    assert after in map(str, plan.strategy.batched)
    with pytest.raises(Cut):
        execute_on(url, plan, stop, folder)


def only_in(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


# -- what cannot be restored --


def refused(url: str, *folders: Path | None) -> errors.Refused:
    """Neither rehearsed nor done, and nothing has changed."""
    before = dump(url)
    for dry_run in (True, False):
        with pytest.raises(errors.Refused) as found:
            put_back(url, *folders, dry_run=dry_run)
    assert dump(url) == before
    return found.value


@pytest.fixture
def purged(users: str, tmp_path: Path) -> Purged:
    """Twenty rows of `a`, half of them the test user's, and notes of which two have let go."""
    run(
        users,
        *OWNED,
        "CREATE TABLE teams (id int PRIMARY KEY)",
        "INSERT INTO teams VALUES (7), (8)",
        "CREATE TABLE b (id int PRIMARY KEY, user_id int REFERENCES users, team int REFERENCES teams)",
        f"INSERT INTO b VALUES (1, {TEST}, 7), (2, {REAL}, 8)",
        "CREATE TABLE notes (id int PRIMARY KEY, made_by int REFERENCES users)",
        f"INSERT INTO notes VALUES (1, {TEST}), (2, {REAL}), (3, {TEST})",
    )
    return purge(users, settings(policies=("notes.made_by=null",)), archive=tmp_path)


def test_nothing_is_restored_twice(users: str, purged: Purged) -> None:
    with pytest.raises(errors.UsageError, match="is named twice"):
        put_back(users, purged.archive, purged.archive)
    restored = put_back(users, purged.archive)
    assert refused(users, purged.archive).reasons == (f"purge {restored.purges[0]} was restored already",)


WRONG = {
    "a row is there again": (
        "INSERT INTO a VALUES (2, 2)",
        "it would overwrite what is there",
        'duplicate key value violates unique constraint "a_pkey"',
    ),
    "a parent is gone": (
        "DELETE FROM teams WHERE id = 7",
        "what was purged refers to something that is not there any more",
        'violates foreign key constraint "b_team_fkey"',
    ),
    "a column is gone": (
        "ALTER TABLE b DROP COLUMN team",
        "the schema is not the one that the archive is of",
        "b lacks team",
    ),
    "a table is gone": (
        "DROP TABLE b",
        "the schema is not the one that the archive is of",
        "b lacks the table itself",
    ),
    "a note was given to somebody": (
        f"UPDATE notes SET made_by = {REAL} WHERE id = 1",
        "rows that had let go have changed since",
        "notes: 1 of 2 rows are gone, or refer to something else by now",
    ),
    "a note is gone": (
        "DELETE FROM notes WHERE id = 3",
        "rows that had let go have changed since",
        "notes: 1 of 2 rows are gone, or refer to something else by now",
    ),
}


@pytest.mark.parametrize("change", WRONG)
def test_what_has_changed_since_is_not_overwritten(users: str, purged: Purged, change: str) -> None:
    statement, message, reason = WRONG[change]
    run(users, statement)
    found = refused(users, purged.archive)
    assert message in found.message
    assert reason in found.reasons[0]
    assert query(users, JOURNAL)[0][0] == "done"


def test_a_new_column_is_filled_by_its_default(users: str, purged: Purged) -> None:
    run(users, "ALTER TABLE a ADD colour text NOT NULL DEFAULT 'grey'")
    put_back(users, purged.archive)
    assert query(users, "SELECT DISTINCT colour FROM a WHERE user_id = 1") == [("grey",)]


def test_a_trigger_that_does_more_undoes_the_restore(users: str, purged: Purged) -> None:
    run(
        users,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE teams SET id = 9 WHERE id = 8;"
        " RETURN NEW; END $$",
        "ALTER TABLE b DROP CONSTRAINT b_team_fkey",
        "CREATE TRIGGER t AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION f()",
    )
    before = dump(users)
    with pytest.raises(
        errors.ProofFailed, match="teams: 0 inserted, 1 updated, 0 deleted instead of 0, 0 and 0"
    ):
        put_back(users, purged.archive)
    assert dump(users) == before
    assert query(users, JOURNAL)[0][0] == "done"


def test_a_lock_that_somebody_has_on_what_comes_back(users: str, purged: Purged) -> None:
    before = dump(users)
    with make_engine(users).begin() as other:
        other.exec_driver_sql("LOCK TABLE b IN SHARE MODE")
        with pytest.raises(errors.LockNotAvailable):
            put_back(users, purged.archive)
    assert dump(users) == before
    assert put_back(users, purged.archive).rows == purged.rows


def test_an_archive_that_lacks_what_the_journal_has(users: str, purged: Purged) -> None:
    assert purged.archive is not None
    manifest = purged.archive / MANIFEST
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines[:2]))
    before = dump(users)
    with pytest.raises(errors.ProofFailed, match=r"lacks 3 of 4 segments that the database's journal has"):
        put_back(users, purged.archive)
    assert dump(users) == before
    manifest.write_bytes(b"".join(lines))
    data = purged.archive / "users-rows-0.copy.gz"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(errors.ProofFailed, match=r"users-rows-0\.copy\.gz: it ends within segment 4"):
        put_back(users, purged.archive)
    assert dump(users) == before


def test_another_database_takes_only_an_archive_that_its_journal_knows(
    users: str, purged: Purged, make_database: MakeDatabase
) -> None:
    copy = make_database(database_of(users))
    assert put_back(copy, purged.archive).rows == purged.rows
    other = make_database(database_of(users))
    run(other, "DROP SCHEMA notifydb CASCADE")
    found = refused(other, purged.archive)
    assert found.message == "the restore is refused: the archive is of another database"
    assert f"{database_of(other)!r} does not know purge" in found.reasons[0]


def test_a_database_that_has_lost_its_journal_believes_an_archive_that_is_whole(
    users: str, purged: Purged
) -> None:
    run(users, "DROP SCHEMA notifydb CASCADE")
    assert put_back(users, purged.archive).rows == purged.rows
    assert query(users, "SELECT count(*) FROM a") == [(20,)]


# -- purges that were cut short --


def test_a_purge_that_was_cut_short_is_restored(users: str, tmp_path: Path) -> None:
    run(users, *OWNED)
    before = dump(users)
    cut_short(users, tmp_path, "a")
    assert query(users, JOURNAL) == [("running", None, True)]
    assert dump(users) == {**before, "a": {row: 1 for row in before["a"] if row.endswith(",2)")}}
    assert not read_manifest(only_in(tmp_path)).finished
    assert put_back(users, only_in(tmp_path)).rows == 10
    assert (dump(users), query(users, JOURNAL)) == (before, [("restored", None, True)])


def test_a_purge_that_went_on_is_restored_from_both_folders(users: str, tmp_path: Path) -> None:
    run(users, *OWNED)
    before = dump(users)
    cut_short(users, tmp_path, "a")
    first = only_in(tmp_path)
    plan = plan_of(users)
    assert [unfinished.archive for unfinished in plan.unfinished] == [str(first)]
    second = execute_on(users, plan, archive=tmp_path).archive
    assert second is not None
    assert query(users, JOURNAL) == [("continued", None, True), ("done", 1, True)]
    for alone, other in ((first, second), (second, first)):
        found = refused(users, alone)
        assert str(other) in found.reasons[0]
        assert found.hint == "name all of the folders: notifydb restore FOLDER FOLDER"
    assert put_back(users, first, second).rows == 11
    assert dump(users) == before


@pytest.mark.parametrize(("prefix", "state"), [("notify-tests", "continued"), (f"{PREFIX}+", "running")])
def test_a_purge_that_one_of_another_prefix_went_on_with_is_told(
    users: str, tmp_path: Path, prefix: str, state: str
) -> None:
    run(users, *OWNED)
    before = dump(users)
    cut_short(users, tmp_path, "a")
    first = only_in(tmp_path)
    plan = plan_of(users, prefix=prefix)
    assert [(each.prefix, each.archive) for each in plan.unfinished] == [(PREFIX, str(first))]
    second = execute_on(users, plan, archive=tmp_path).archive
    assert query(users, JOURNAL)[0] == (state, None, True)
    again = plan_of(users, prefix=prefix)
    assert again.is_idle
    assert plan_of(users, prefix="notify-tests-staging").unfinished == ()
    assert put_back(users, first, second).rows == 11
    assert dump(users) == before


def test_a_restore_forgets_nothing_that_no_foreign_key_misses(users: str, tmp_path: Path) -> None:
    """The first half alone would be orphans that the server does not know of."""
    run(users, *OWNED, "ALTER TABLE a DROP CONSTRAINT a_user_id_fkey")
    followed = {"implicit": ("a.user_id -> users.id",)}
    cut_short(users, tmp_path, "a", **followed)
    first = only_in(tmp_path)
    purge(users, settings(**followed), archive=tmp_path)
    assert "whose archive is" in refused(users, first).reasons[0]


def test_segments_of_which_nobody_knows_are_not_restored(users: str, tmp_path: Path) -> None:
    run(users, *OWNED)
    cut_short(users, tmp_path, "a")
    folder = only_in(tmp_path)
    lines = (folder / MANIFEST).read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"segment"' in line)
    (folder / MANIFEST).write_bytes(b"".join(lines[: last + 1]))
    run(users, "ALTER SCHEMA notifydb RENAME TO lost")
    found = refused(users, folder)
    assert "nobody can tell whether all of the archive was deleted" in found.message
    assert found.reasons[1].startswith("this database has no journal of purge")
    assert found.hint == "restore into the database that was purged"
    # The journal knows.
    run(users, "ALTER SCHEMA lost RENAME TO notifydb")
    assert put_back(users, folder).rows == 10
