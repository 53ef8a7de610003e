"""`migrate new`: what is left out and why, what is chosen, and what is asked for instead of a comparison."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb
from conftest import ROOT, SmallProject, query

HISTORY = """
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, server_default="person"),
    sa.Column("old", sa.Text),
    sa.Index("ix_kind", "kind"),
)
"""
MODELS = """\
import sqlalchemy as sa

metadata = sa.MetaData()
users = sa.Table(
    "users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("kind", sa.Text),
    sa.Index("ix_users_kind", "kind"),
    {more}
)
"""
NAME = 'sa.Column("name", sa.Text), sa.Column("born", sa.Date),'


@pytest.fixture
def models(small_project: SmallProject) -> Callable[[str], None]:
    """Writes the models, with these columns more."""
    root = small_project.project.root
    (root / "alembic" / "script.py.mako").write_text((ROOT / "alembic" / "script.py.mako").read_text())
    small_project.add("0001_users", HISTORY)

    def write(more: str = "") -> None:
        (root / "models.py").write_text(MODELS.format(more=more))

    write()
    return write


@pytest.fixture
def there(server_url: str) -> dict[str, str]:
    return {"NOTIFYDB_SHADOW_URL": server_url, "NOTIFYDB_METADATA": "models:metadata"}


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit_all(folder: Path) -> None:
    (folder / ".gitignore").write_text("__pycache__\n.notifydb\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "all")


def test_what_main_differs_in_is_not_this_branch_s_doing(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path
) -> None:
    commit_all(tmp_path)
    git(tmp_path, "switch", "-c", "feature")
    models(NAME)
    assert str(notifydb("migrate", "new", "-m", "names", **there)) == snapshot("""\
exit 0
[out]
alembic/versions/0002_names.py
[err]
left out (on-main: main has this difference already):
  users.kind: default 'person'::text becomes none
  remove index ix_kind on users
  add index ix_users_kind on users
  remove column users.old
  add column users.name
  add column users.born
lint: no findings
next: read it, then notifydb upgrade
""")
    assert str(notifydb("migrate", "new", "-m", "again", **there)) == snapshot("""\
exit 0
[err]
left out (on-main: main has this difference already):
  users.kind: default 'person'::text becomes none
  remove index ix_kind on users
  add index ix_users_kind on users
  remove column users.old
nothing to write: all that differs is left out (--everything writes it)
""")


def test_on_main_itself_all_that_differs_is_written(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path
) -> None:
    models(NAME)
    commit_all(tmp_path)
    assert str(notifydb("migrate", "new", "-m", "names", "--plain", "--no-lint", **there)) == snapshot("""\
exit 0
[out]
alembic/versions/0002_names.py
[err]
left out (server-default: the models do not tell this default, and it hurts nobody):
  users.kind: default 'person'::text becomes none
left out (only-name: ix_users_kind is the same under another name):
  remove index ix_kind on users
left out (only-name: ix_kind is the same under another name):
  add index ix_users_kind on users
  add column users.name
  add column users.born
  remove column users.old
next: read it, then notifydb upgrade
""")


def test_where_main_cannot_be_compared_it_is_said(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path
) -> None:
    (tmp_path / "models.py").write_text("1/0\n")
    commit_all(tmp_path)
    models(NAME)
    new = notifydb("migrate", "new", "-m", "names", "--dry-run", **there)
    assert (
        "what main differs in is not known, so it is listed too: NOTIFYDB_METADATA=models:metadata" in new.err
    )
    assert "add column users.name" in new.err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--only", "column"], {"add column users.name", "add column users.born", "remove column users.old"}),
        (["--only", "users.name"], {"add column users.name"}),
        (["--skip", "column", "--skip", "index"], set()),
        (["--skip", "users"], set()),
        (
            ["--only", "index", "--everything"],
            {"add index ix_users_kind on users", "remove index ix_kind on users"},
        ),
    ],
)
def test_tables_kinds_and_names_are_chosen_or_left_out(
    options: list[str],
    expected: set[str],
    models: Callable[[str], None],
    there: dict[str, str],
    notifydb: Notifydb,
) -> None:
    models(NAME)
    document = notifydb("migrate", "new", "-m", "x", "--dry-run", "--format", "json", *options, **there).json
    assert set(document["differences"]) == expected
    assert not document["written"]


def test_a_name_that_means_nothing_is_refused(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb
) -> None:
    models(NAME)
    refused = notifydb("migrate", "new", "-m", "x", "--only", "user", **there)
    assert refused.code == 2
    assert "--only user names no kind and no table that differs" in refused.err
    assert "tables that differ: users" in refused.err


def test_the_settings_leave_out_for_good(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path
) -> None:
    models(NAME)
    with (tmp_path / "notifydb.toml").open("a") as file:
        file.write('[autogen]\nskip = ["users.old", "index"]\n')
    new = notifydb("migrate", "new", "-m", "x", "--dry-run", "--format", "json", **there).json
    assert {"description": "remove column users.old", "reason": "skipped: users.old"} in new["left"]


def test_an_id_and_a_dependency_of_one_s_own(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, small_project: SmallProject
) -> None:
    new = notifydb(
        "migrate", "new", "-m", "x", "--empty", "--rev-id", "by_hand", "--depends-on", "0001", **there
    )
    assert new.out == "alembic/versions/by_hand.py\n"
    assert "depends_on = '0001_users'" in (small_project.project.versions / "by_hand.py").read_text()
    for rev_id, why in (
        ("by_hand", "is there already"),
        ("a-b", "can be no revision id"),
        ("x" * 33, "at most 32"),
    ):
        refused = notifydb("migrate", "new", "-m", "x", "--empty", "--rev-id", rev_id, **there)
        assert (refused.code, why in refused.err) == (2, True)
    models(NAME)
    several = notifydb("migrate", "new", "-m", "x", "--rev-id", "one", "--everything", **there)
    assert (several.code, "--plain" in several.err) == (2, True)


def test_two_heads_are_told_before_anything_is_compared(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, small_project: SmallProject
) -> None:
    small_project.add("0002_a", "pass", down="0001_users")
    small_project.add("0002_b", "pass", down="0001_users")
    assert str(notifydb("migrate", "new", "-m", "x", **there)) == snapshot("""\
exit 2
[err]
error: the history has 2 heads: 0002_a, 0002_b
  next: notifydb migrate rebase
""")


def test_without_a_terminal_nobody_can_pick(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb
) -> None:
    models(NAME)
    assert str(notifydb("migrate", "new", "-m", "x", "--pick", **there)) == snapshot("""\
exit 2
[err]
error: --pick needs a terminal to choose in
  next: name what you want with --only or --skip
""")


def test_arrow_keys_pick(
    models: Callable[[str], None], there: dict[str, str], small_project: SmallProject
) -> None:
    models(NAME)
    terminal, theirs = pty.openpty()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(small_project.project.root),
        "TERM": "xterm",
        **there,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "notifydb", "migrate", "new", "-m", "picked", "--pick", "--no-lint"],
        cwd=small_project.project.root, env=environment, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        while b"users.old" not in seen:
            seen += os.read(terminal, 10_000)
        # All are chosen; only the first is wanted.
        os.write(terminal, 2 * b"\x1b[B " + b"\r")
        assert process.stdout is not None
        out = process.stdout.read().decode()
        try:
            while os.read(terminal, 10_000):
                pass
        except OSError:
            pass
    os.close(terminal)
    assert (process.returncode, out) == (0, "alembic/versions/0002_picked.py\n")
    written = (small_project.project.versions / "0002_picked.py").read_text()
    assert "op.add_column('users', sa.Column('name'" in written
    assert "born" not in written
    assert "drop_column('users', 'old'" not in written


def test_the_statements_of_a_file(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path, database: str
) -> None:
    (tmp_path / "add.sql").write_text(
        "ALTER TABLE users ADD COLUMN at time;\n"
        "UPDATE users SET kind = ':x %s' WHERE kind LIKE '10%';\n"
        "CREATE INDEX CONCURRENTLY ix_at ON users (at);\n"
        "-- downgrade\n"
        "ALTER TABLE users DROP COLUMN at;\n"
    )
    new = notifydb("migrate", "new", "-m", "add at", "--sql", "add.sql", "--no-lint")
    assert str(new) == snapshot("""\
exit 0
[out]
alembic/versions/0002_add_at.py
[err]
next: read it, then notifydb upgrade
""")
    source = (tmp_path / "alembic" / "versions" / "0002_add_at.py").read_text()
    assert source[source.index("def upgrade") :] == snapshot("""\
def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN at time")
    op.execute("UPDATE users SET kind = '\\\\:x %s' WHERE kind LIKE '10%'")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_at ON users (at)")


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN at")
""")
    there["DATABASE_URL"] = database
    there["NOTIFYDB_ENVIRONMENT"] = "test"
    assert notifydb("upgrade", **there).code == 0
    assert notifydb("downgrade", "-1", **there).code == 0
    (tmp_path / "broken.sql").write_text("SELECT 1;\nALTER TABEL users;\n")
    assert str(notifydb("migrate", "new", "-m", "x", "--sql", "broken.sql")) == snapshot("""\
exit 2
[err]
error: broken.sql:2: syntax error at or near "TABEL"
""")
    assert notifydb("migrate", "new", "-m", "x", "--sql", "nowhere.sql").code == 2
    assert notifydb("migrate", "new", "-m", "x", "--sql", "add.sql", "--data").code == 2


def test_a_backfill_that_nobody_filled_in_fails(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path, database: str
) -> None:
    assert str(notifydb("migrate", "new", "-m", "fill kinds", "--data")) == snapshot("""\
exit 0
[out]
alembic/versions/0002_fill_kinds.py
[err]
next: fill it in, then notifydb lint
""")
    there["DATABASE_URL"] = database
    there["NOTIFYDB_ENVIRONMENT"] = "test"
    failed = notifydb("upgrade", **there)
    assert (failed.code, "no rows are changed yet" in failed.err) == (6, True)
    path = tmp_path / "alembic" / "versions" / "0002_fill_kinds.py"
    query(database, "INSERT INTO users (id, kind) SELECT n, NULL FROM generate_series(1, 2500) n")
    statement = "UPDATE users SET kind = 'x' WHERE id IN (SELECT id FROM users WHERE kind IS NULL LIMIT 1000)"
    path.write_text(path.read_text().replace('backfill = ""', f'backfill = "{statement}"'))
    assert notifydb("upgrade", **there).code == 0
    assert query(database, "SELECT count(*) FROM users WHERE kind = 'x'") == [(2500,)]


def test_a_new_file_is_formatted_as_the_project_is(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, tmp_path: Path
) -> None:
    models(NAME)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff.format]\nquote-style = 'double'\n")
    new = notifydb("migrate", "new", "-m", "names", "--only", "users.name", "--no-lint", **there)
    assert (new.code, new.err.count("not formatted")) == (0, 0)
    assert 'op.add_column("users", ' in (tmp_path / "alembic" / "versions" / "0002_names.py").read_text()
    with (tmp_path / "notifydb.toml").open("a") as file:
        file.write('[autogen]\nformatter = "no-such-formatter"\n')
    other = notifydb("migrate", "new", "-m", "more", "--only", "users.born", "--no-lint", **there)
    assert (other.code, "not formatted: " in other.err) == (0, True)


def test_a_type_is_made_with_the_column_that_needs_it_and_not_dropped_while_one_has_it(
    models: Callable[[str], None], there: dict[str, str], notifydb: Notifydb, database: str
) -> None:
    models('sa.Column("size", sa.Enum("s", "m", name="size")), sa.Column("other", sa.Text),')
    new = notifydb("migrate", "new", "-m", "sizes", "--only", "users.size", "--no-lint", **there)
    assert "  add enum size\n  add column users.size\n" in new.err
    there["DATABASE_URL"] = database
    there["NOTIFYDB_ENVIRONMENT"] = "test"
    assert notifydb("upgrade", **there).code == 0
    models("")
    spared = notifydb(
        "migrate", "new", "-m", "x", "--skip", "users.size", "--dry-run", "--format", "json", **there
    )
    assert {
        "description": "remove enum size",
        "reason": "in-use: a column that is left as it is has this type",
    } in spared.json["left"]
    both = notifydb("migrate", "new", "-m", "no sizes", "--only", "users.size", "--only", "enum", **there)
    assert both.code == 0
    assert notifydb("upgrade", **there).code == 0
    assert query(database, "SELECT count(*) FROM pg_type WHERE typname = 'size'") == [(0,)]
    assert notifydb("downgrade", "base", **there).code == 0


def test_the_first_migration_of_a_folder_and_the_head_file_with_it(
    small_project: SmallProject, there: dict[str, str], notifydb: Notifydb, tmp_path: Path
) -> None:
    (tmp_path / "alembic" / "script.py.mako").write_text((ROOT / "alembic" / "script.py.mako").read_text())
    (tmp_path / "models.py").write_text(MODELS.format(more=""))
    looked = notifydb("migrate", "new", "-m", "users", "--dry-run", **there)
    assert "+down_revision = None" in looked.out
    assert not list(small_project.project.versions.iterdir())
    assert not (tmp_path / "alembic" / ".current-alembic-head").exists()
    made = notifydb("migrate", "new", "-m", "users", **there)
    assert made.out == "alembic/versions/0001_users.py\n"
    assert (tmp_path / "alembic" / ".current-alembic-head").read_text() == "0001_users\n"
    assert notifydb("check", **there).code == 0


def test_what_was_written_is_told_also_where_it_does_not_run(
    models: Callable[[str], None],
    there: dict[str, str],
    notifydb: Notifydb,
    small_project: SmallProject,
) -> None:
    small_project.add("0002_long", "op.execute(\"INSERT INTO users (id, old) VALUES (1, 'too long')\")")
    models('sa.Column("old", sa.String(3)), sa.Index("ix_users_old", "old"),')
    chosen = ("--only", "users.old", "--only", "users.ix_users_old")
    assert str(notifydb("migrate", "new", "-m", "short", *chosen, **there)) == snapshot("""\
exit 6
[out]
alembic/versions/0003_short.py
alembic/versions/0004_short_index.py
[err]
left out (not-chosen: --only names others):
  users.kind: default 'person'::text becomes none
  remove index ix_kind on users
  add index ix_users_kind on users
  users.old: type TEXT becomes VARCHAR(3)
  add index ix_users_old on users
error: 0003_short failed in upgrade() at 0003_short.py:22: value too long for type character varying(3)
  next: mend what was written, or delete it; then: notifydb lint
""")
