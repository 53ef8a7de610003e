"""`migrate head-file`: the file that names the head is made, mended, or only judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject


@pytest.fixture
def head(small_project: SmallProject) -> Path:
    """The head file's place in a project of two migrations."""
    small_project.add("0001_users", "pass")
    small_project.add("0002_name", "pass")
    return small_project.project.script_location / ".current-alembic-head"


def test_create_then_exists(head: Path, notifydb: Notifydb) -> None:
    assert str(notifydb("migrate", "head-file")) == snapshot("""\
exit 0
[out]
alembic/.current-alembic-head
[err]
.current-alembic-head is missing; mended: it names 0002_name
""")
    assert head.read_bytes() == b"0002_name\n"
    assert str(notifydb("migrate", "head-file")) == snapshot("""\
exit 0
[err]
alembic/.current-alembic-head names the head, 0002_name
""")
    assert notifydb("migrate", "head-file", "--check").code == 0


@pytest.mark.parametrize(
    "content",
    ["", "0001_users\n", "0009_gone\n", "0001_users\n0002_name\n", "<<<<<<< a\n1\n=======\n2\n>>>>>>> b\n"],
)
def test_recreate(head: Path, notifydb: Notifydb, content: str) -> None:
    head.write_text(content)
    head.chmod(0o640)
    assert notifydb("migrate", "head-file", "--check").code == 1
    assert head.read_text() == content
    assert notifydb("migrate", "head-file").code == 0
    assert (head.read_bytes(), head.stat().st_mode & 0o777) == (b"0002_name\n", 0o640)


def test_dry_run_is_a_diff_and_writes_nothing(head: Path, notifydb: Notifydb) -> None:
    head.write_text("0001_users\n")
    assert str(notifydb("migrate", "head-file", "--dry-run")) == snapshot("""\
exit 0
[out]
diff --git a/alembic/.current-alembic-head b/alembic/.current-alembic-head
--- a/alembic/.current-alembic-head
+++ b/alembic/.current-alembic-head
@@ -1 +1 @@
-0001_users
+0002_name
""")
    assert head.read_text() == "0001_users\n"


def test_check_says_what_is_wrong_and_what_to_type(head: Path, notifydb: Notifydb) -> None:
    assert str(notifydb("migrate", "head-file", "--check")) == snapshot("""\
exit 1
[err]
error: .current-alembic-head is missing
  next: notifydb migrate head-file
""")
    assert not head.exists()


def test_two_heads_are_refused_with_the_command_that_mends_them(
    head: Path, small_project: SmallProject, notifydb: Notifydb
) -> None:
    head.write_text("0002_name\n")
    small_project.add("0002_other", "pass", down="0001_users")
    assert str(notifydb("migrate", "head-file")) == snapshot("""\
exit 2
[err]
error: the history has 2 heads, and the file names one: 0002_name, 0002_other
  next: notifydb migrate rebase, which writes the file, too
""")
    assert str(notifydb("migrate", "head-file", "--check")) == snapshot("""\
exit 1
[err]
error: .current-alembic-head names 0002_name, and there are 2 heads
  next: notifydb migrate rebase
""")
    assert head.read_text() == "0002_name\n"


def test_a_history_without_migrations_names_nothing(small_project: SmallProject, notifydb: Notifydb) -> None:
    head = small_project.project.script_location / ".current-alembic-head"
    assert str(notifydb("migrate", "head-file", "--check")) == snapshot("""\
exit 0
[err]
alembic/.current-alembic-head has nothing to name yet
""")
    assert not head.exists()
    head.write_text("0001_users\n")
    assert str(notifydb("migrate", "head-file")) == snapshot("""\
exit 2
[err]
error: .current-alembic-head names '0001_users', which no migration has: there are no migrations
  next: bring them back, or rm alembic/.current-alembic-head
""")


@pytest.mark.parametrize("name", ["../head", "a/head", "env.py"])
def test_a_bad_setting(head: Path, small_project: SmallProject, notifydb: Notifydb, name: str) -> None:
    (small_project.project.root / "notifydb.toml").write_text(f'head_file = "{name}"\n')
    refused = notifydb("migrate", "head-file")
    assert (refused.code, refused.out) == (2, "")
    assert f"head_file = '{name}'" in refused.err
    assert list(head.parent.iterdir()) == [small_project.project.versions]


def test_a_project_that_does_without(head: Path, small_project: SmallProject, notifydb: Notifydb) -> None:
    (small_project.project.root / "notifydb.toml").write_text('head_file = ""\n')
    assert str(notifydb("migrate", "head-file")) == snapshot("""\
exit 2
[err]
error: the settings say that there is no head file
  next: write head_file = ".current-alembic-head", or leave it out of the settings
""")
    assert "head-file" not in notifydb("lint", "--all", "--static").out
    assert not head.exists()


def test_a_folder_in_its_place(head: Path, notifydb: Notifydb) -> None:
    head.mkdir()
    assert str(notifydb("migrate", "head-file")) == snapshot("""\
exit 2
[err]
error: .current-alembic-head cannot be read: Is a directory
  next: ls -ld alembic/.current-alembic-head
""")


def test_json(head: Path, notifydb: Notifydb) -> None:
    wrong = notifydb("migrate", "head-file", "--check", "--format", "json")
    assert (wrong.code, wrong.json["problem"], wrong.json["written"]) == (1, "missing", False)
    assert matches_schema("migrate-head-file", wrong.json)
    assert notifydb("migrate", "head-file", "--dry-run", "--format", "json").json == wrong.json
    assert not head.exists()
    written = notifydb("migrate", "head-file", "--format", "json").json
    assert matches_schema("migrate-head-file", written)
    assert (written["path"], written["written"]) == ("alembic/.current-alembic-head", True)
    assert notifydb("migrate", "head-file", "--check", "--format", "json").json["problem"] is None


def test_lint_tells_a_stale_file(head: Path, notifydb: Notifydb) -> None:
    head.write_text("0001_users\n")
    linted = notifydb("lint", "0001", "--static", "--format", "github")
    assert linted.code == 1
    assert "::error file=alembic/.current-alembic-head,line=1," in linted.out
