"""The purge on the shipped history, judged by a checker that shares no code with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from purge_check.checks import Examination, Wrong
from purge_check.command import Command
from purge_check.profiles import OWN

from conftest import ROOT, MakeDatabase, name_of, query
from notifydb.migrator.config import Project
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows
from notifydb.shadow.server import Server


@pytest.fixture(scope="module")
def migrated(server: Server) -> Iterator[str]:
    """The name of a database at the head of the shipped migrations."""
    history = read_history(ROOT / "alembic" / "versions")
    shadows = Shadows(server.url("postgres"), Project(ROOT, ROOT / "alembic"), history)
    with shadows.at(history.head) as url:
        yield name_of(url)


@pytest.fixture
def url(make_database: MakeDatabase, migrated: str) -> str:
    return make_database(migrated)


def test_exactly_the_tests_rows_go_and_all_of_them_come_back(url: str, tmp_path: Path) -> None:
    examination = Examination(Command(url, tmp_path), OWN, seed=1)
    assert examination.refuses_all_actors() > 20
    examination.made_for_others()
    examination.dry_run()
    examination.purge()
    examination.purge_again()
    examination.restore()


def test_in_batches_and_with_what_is_asked_for_besides(url: str, tmp_path: Path) -> None:
    """More rows than go in one transaction, and batches so small that a large table takes several."""
    small = {"NOTIFYDB_PURGE_BATCH_ABOVE": "100", "NOTIFYDB_PURGE_BATCH_ROWS": "40"}
    examination = Examination(Command(url, tmp_path, small), OWN, seed=2, copies=20)
    examination.purge_more()
    examination.restore(only=True)


def test_the_checker_sees_what_a_purge_must_not_do(url: str, tmp_path: Path) -> None:
    examination = Examination(Command(url, tmp_path), OWN, seed=3)
    for statement in (
        "DELETE FROM rates WHERE id = (SELECT min(id::text)::uuid FROM rates)",
        "UPDATE organization SET notes = 'a.' WHERE name = (SELECT min(name) FROM organization)",
        "INSERT INTO events (id, event_type, created_at, data) VALUES (gen_random_uuid(), 'a', now(), '{}')",
        "DROP INDEX ix_notifications_created_at",
    ):
        query(url, statement)
    with pytest.raises(Wrong) as wrong:
        examination.is_purged("after something else", gone=())
    for told in (
        "rates: 1 missing",
        "organization: 1 missing",
        "organization: 1 too much",
        "events: 1 too much",
        "structure: 3 missing",
        "sequence events_position_seq",
    ):
        assert told in str(wrong.value)
