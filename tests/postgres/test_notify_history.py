"""The Notify history: the same schema by every way, and models that say just what it makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from conftest import ROOT, query
from notifydb import models
from notifydb.autogen.compare import compare
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres.catalog import Catalog, read_catalog
from notifydb.postgres.catalog import compare as difference
from notifydb.postgres.connect import make_engine
from notifydb.revisions.graph import History
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows

PROJECT = Project(ROOT, ROOT / "alembic", metadata="notifydb.models:metadata")


@pytest.fixture(scope="module")
def history() -> History:
    return read_history(PROJECT.versions)


def catalog(url: str) -> Catalog:
    with make_engine(url).connect() as conn:
        return read_catalog(conn)


def rows(url: str) -> dict[str, object]:
    """How many rows the migrations load, by table."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    return {str(name): query(url, f'SELECT count(*) FROM "{name}"') for (name,) in query(url, tables)}


def test_the_history_is_one_numbered_line(history: History) -> None:
    ordered = history.ordered()
    assert len(ordered) >= 70
    assert [each.id[:4] for each in ordered] == [f"{number:04}" for number in range(1, len(ordered) + 1)]
    assert all(each.path.stem == each.id and len(each.id) <= 32 for each in ordered)
    assert history.heads == (ordered[-1].id,)


def test_head_equals_the_models(server_url: str, history: History) -> None:
    assert len(models.metadata.tables) >= 48
    assert compare(PROJECT, Shadows(server_url, PROJECT, history), history.head).changes == ()


def test_down_to_nothing_and_up_again(database: str) -> None:
    engine = make_engine(database)
    execute.upgrade(engine, PROJECT)
    first, loaded = catalog(database), rows(database)
    execute.downgrade(engine, PROJECT, "base")
    assert set(catalog(database)) <= {("schema", "public")}
    execute.upgrade(engine, PROJECT)
    assert difference(first, catalog(database)) == ()
    assert rows(database) == loaded


def test_plain_alembic_makes_the_same_schema(make_database: Callable[[], str]) -> None:
    ours, theirs = make_database(), make_database()
    execute.upgrade(make_engine(ours), PROJECT)
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": theirs}, check=True, capture_output=True,
    )  # fmt: skip
    assert difference(catalog(ours), catalog(theirs)) == ()
    assert rows(ours) == rows(theirs)


def test_plain_alembic_without_a_database_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT, env=dict(os.environ), check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no database is set" in done.stderr


def test_plain_alembic_writes_sql() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "0012_provider_details:0013_template_version", "--sql"],
        cwd=ROOT, env=dict(os.environ), check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert re.search(r"UPDATE alembic_version SET version_num='0013_template_version'", done.stdout)


def test_seeded_keys_are_protected_from_purges(database: str) -> None:
    from notifydb.settings import Settings

    execute.upgrade(make_engine(database), PROJECT)
    protected = set(Settings().purge.protected)
    for table in ("services", "users"):
        seeded = {str(key) for (key,) in query(database, f"SELECT id FROM {table}")}
        assert seeded
        assert seeded <= protected
