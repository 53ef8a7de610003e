"""`migrate new` and `check`: what they write, and what they leave alone."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import ROOT, SmallProject

MODELS = """\
import sqlalchemy as sa

metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
"""


@pytest.fixture
def there(small_project: SmallProject, server_url: str) -> dict[str, str]:
    """A project whose models have what its history does not make."""
    root = small_project.project.root
    (root / "models.py").write_text(MODELS)
    (root / "alembic" / "script.py.mako").write_text((ROOT / "alembic" / "script.py.mako").read_text())
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))')
    return {"NOTIFYDB_SHADOW_URL": server_url, "NOTIFYDB_METADATA": "models:metadata"}


def versions(small: SmallProject) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(small.project.versions.glob("*.py"))}


def test_a_model_change_becomes_the_next_migration(
    there: dict[str, str], small_project: SmallProject, notifydb: Notifydb
) -> None:
    assert str(notifydb("check", **there)) == snapshot("""\
exit 1
[out]
add column users.name
[err]
error: the models and the history differ in one place
  next: notifydb migrate new -m "..." writes the migration that is missing
""")
    before = versions(small_project)
    shown = notifydb("migrate", "new", "-m", "Add the user's name!", "--dry-run", **there)
    assert "+    op.add_column('users', sa.Column('name', sa.Text(), nullable=True))" in shown.out
    assert versions(small_project) == before
    assert str(notifydb("migrate", "new", "-m", "Add the user's name!", **there)) == snapshot("""\
exit 0
[out]
alembic/versions/0002_add_the_user_s_name.py
[err]
  add column users.name
lint: no findings; 1 could not be checked: notifydb lint -v
next: read it, then notifydb upgrade
""")
    body = versions(small_project)["0002_add_the_user_s_name.py"]
    assert "revision = '0002_add_the_user_s_name'\ndown_revision = '0001_users'" in body
    assert body.endswith("def downgrade() -> None:\n    op.drop_column('users', 'name')\n")
    assert str(notifydb("check", **there)) == snapshot(
        "exit 0\n[err]\nthe history makes just what the models say\n"
    )
    again = notifydb("migrate", "new", "-m", "again", **there)
    assert str(again) == snapshot(
        "exit 0\n[err]\nnothing to write: the history makes just what the models say\n"
    )
    assert len(versions(small_project)) == 2


def test_json(there: dict[str, str], notifydb: Notifydb) -> None:
    assert matches_schema("check", notifydb("check", "--format", "json", **there).json)
    new = notifydb("migrate", "new", "-m", "name", "--format", "json", **there).json
    assert matches_schema("migrate-new", new)
    assert new["written"]
    nothing = notifydb("migrate", "new", "-m", "name", "--format", "json", **there).json
    assert matches_schema("migrate-new", nothing)
    assert nothing["revision"] is None


def test_a_long_message_is_shortened_by_whole_words(there: dict[str, str], notifydb: Notifydb) -> None:
    new = notifydb("migrate", "new", "--empty", "-m", "remember when somebody was last seen by us", **there)
    assert new.out == "alembic/versions/0002_remember_when_somebody_was.py\n"
    assert "shortened by whole words" in new.err
    assert notifydb("migrate", "new", "--empty", "-m", "!!!", **there).code == 2


@pytest.mark.parametrize("message", ['a """ b', "back\\slash\\", 'ends with "', "two\nlines", "it's"])
def test_no_message_makes_a_file_that_is_no_python(
    message: str, there: dict[str, str], notifydb: Notifydb
) -> None:
    assert notifydb("migrate", "new", "--empty", "-m", message, **there).code == 0
    assert notifydb("heads").code == 0


def test_models_that_cannot_be_loaded(
    there: dict[str, str], small_project: SmallProject, notifydb: Notifydb
) -> None:
    assert notifydb("check", **{**there, "NOTIFYDB_METADATA": "models:nothing"}).code == 2
    assert notifydb("check", **{**there, "NOTIFYDB_METADATA": "models:users"}).code == 2
    (small_project.project.root / "models.py").write_text("1/0\n")
    broken = notifydb("check", **there)
    assert broken.code == 2
    assert "models:metadata cannot be loaded: ZeroDivisionError: division by zero" in broken.err
    del there["NOTIFYDB_METADATA"]
    assert "set NOTIFYDB_METADATA" in notifydb("check", **there).err


def test_the_live_catalog_against_the_history(
    there: dict[str, str], notifydb: Notifydb, database: str
) -> None:
    from conftest import query

    there["DATABASE_URL"] = database
    notifydb("upgrade", **there)
    assert notifydb("check", "--database", **there).code == 0
    query(database, "CREATE INDEX by_hand ON users (id)")
    assert str(notifydb("check", "--database", **there)) == snapshot("""\
exit 1
[out]
extra index public.by_hand
  found: CREATE INDEX by_hand ON public.users USING btree (id)
[err]
error: the database differs from what the history makes at 0001_users in one place
  next: it was changed by hand, or an applied migration was edited: mend it by a new migration
""")
    assert matches_schema("check-database", notifydb("check", "--database", "--format", "json", **there).json)
