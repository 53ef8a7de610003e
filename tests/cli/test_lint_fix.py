"""`notifydb lint --fix` and `--diff`, as a user on a branch sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fixing import DROP_USERS, TEMPLATE, USERS
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Outcome
from conftest import SmallProject, query

pytestmark = pytest.mark.postgres

Lint = Callable[..., Outcome]


@pytest.fixture
def branch(small_project: SmallProject, git: Callable[..., str]) -> SmallProject:
    """0001_users on main; 0002_name is new on a branch."""
    folder = small_project.project.script_location
    (folder / "script.py.mako").write_text(TEMPLATE)
    (folder.parent / ".gitignore").write_text("__pycache__\n.notifydb\n")
    path = small_project.add("0001_users", USERS, DROP_USERS, down="None")
    path.write_text(path.read_text().replace("'None'", "None"))
    (folder / ".current-alembic-head").write_text("0001_users\n")
    git("add", ".")
    git("commit", "-qm", "one")
    git("switch", "-qc", "feature")
    small_project.add(
        "0002_name",
        """
        op.add_column("users", sa.Column("nick", sa.Text))
        op.create_index("ix_users_nick", "users", ["nick"])  # for the search
        for name in ("name", "logins"):
            op.create_index(f"ix_users_{name}", "users", [name])
        """,
        'raise NotImplementedError("kept")',
    )
    (folder / ".current-alembic-head").write_text("0002_name\n")
    return small_project


@pytest.fixture
def lint(notifydb: Notifydb, server_url: str) -> Lint:
    return lambda *arguments: notifydb("lint", *arguments, NOTIFYDB_SHADOW_URL=server_url)


def files(small_project: SmallProject) -> dict[str, str]:
    folder = small_project.project.script_location
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path.name: path.read_text() for path in found}


def told(outcome: Outcome) -> str:
    """What is said of fixes; on a slow machine, lines about the progress stand between."""
    mine = ("fixed", "would", "added", "not fixed")
    return "".join(f"{line}\n" for line in outcome.err.splitlines() if line.startswith(mine))


def test_diff_shows_what_fix_would_write(branch: SmallProject, lint: Lint) -> None:
    before = files(branch)
    outcome = lint("--diff")
    assert outcome.code == 1
    assert outcome.out == snapshot('''\
diff --git a/alembic/versions/0002_name.py b/alembic/versions/0002_name.py
--- a/alembic/versions/0002_name.py
+++ b/alembic/versions/0002_name.py
@@ -13,7 +13,6 @@
 \n\
 def upgrade():
     op.add_column("users", sa.Column("nick", sa.Text))
-    op.create_index("ix_users_nick", "users", ["nick"])  # for the search
     for name in ("name", "logins"):
         op.create_index(f"ix_users_{name}", "users", [name])
 \n\
diff --git a/alembic/versions/0003_name_index.py b/alembic/versions/0003_name_index.py
new file mode 100644
--- /dev/null
+++ b/alembic/versions/0003_name_index.py
@@ -0,0 +1,23 @@
+"""0002_name (index)"""
+
+from alembic import op
+
+
+revision = '0003_name_index'
+down_revision = '0002_name'
+
+
+def upgrade():
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_nick")
+        op.create_index(
+            "ix_users_nick",
+            "users",
+            ["nick"],
+            postgresql_concurrently=True,
+        )  # for the search
+
+
+def downgrade():
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_nick")
diff --git a/alembic/.current-alembic-head b/alembic/.current-alembic-head
--- a/alembic/.current-alembic-head
+++ b/alembic/.current-alembic-head
@@ -1 +1 @@
-0002_name
+0003_name_index
''')
    assert told(outcome) == snapshot("""\
would fix alembic/versions/0002_name.py:16: create-index-not-concurrent, proved on the shadow
would add alembic/versions/0003_name_index.py
not fixed alembic/versions/0002_name.py:18: create-index-not-concurrent: it stands in a loop
""")
    assert files(branch) == before


def test_fix_writes_and_says_what_remains(branch: SmallProject, lint: Lint) -> None:
    outcome = lint("--fix")
    assert outcome.code == 1
    assert "1 finding (1 error) in 2 migrations" in outcome.out
    assert told(outcome) == snapshot("""\
fixed alembic/versions/0002_name.py:16: create-index-not-concurrent, proved on the shadow
added alembic/versions/0003_name_index.py
not fixed alembic/versions/0002_name.py:18: create-index-not-concurrent: it stands in a loop
""")
    assert "0003_name_index.py" in files(branch)
    assert files(branch)[".current-alembic-head"] == "0003_name_index\n"


def test_what_is_on_main_is_not_changed(branch: SmallProject, lint: Lint, git: Callable[..., str]) -> None:
    git("switch", "-q", "-C", "main")
    git("add", ".")
    git("commit", "-qm", "two")
    before = files(branch)
    outcome = lint("--fix", "0002")
    assert outcome.code == 1
    assert "it is on the main branch or applied" in outcome.err
    assert files(branch) == before


def test_what_a_shared_database_has_applied_is_not_changed(
    branch: SmallProject, notifydb: Notifydb, server_url: str, database: str
) -> None:
    query(database, "CREATE TABLE alembic_version (version_num text)")
    query(database, "INSERT INTO alembic_version VALUES ('0002_name')")
    where = {"NOTIFYDB_SHADOW_URL": server_url, "DATABASE_URL": database}
    outcome = notifydb("lint", "--diff", NOTIFYDB_ENVIRONMENT="staging", **where)
    assert "it is on the main branch or applied" in outcome.err
    assert outcome.out == ""
    assert notifydb("lint", "--diff", NOTIFYDB_ENVIRONMENT="test", **where).out != ""


def test_edits_that_are_not_committed_are_not_mixed_with_a_fix(
    branch: SmallProject, lint: Lint, git: Callable[..., str]
) -> None:
    git("add", ".")
    git("commit", "-qm", "two")
    path = branch.project.versions / "0002_name.py"
    path.write_text(path.read_text() + "# more\n")
    refused = lint("--fix")
    assert refused.code == 2
    assert "0002_name.py" in refused.err
    assert lint("--fix", "--edited").code == 1
    assert path.read_text().endswith("# more\n")


def test_nothing_is_fixed_without_proof(branch: SmallProject, notifydb: Notifydb, tmp_path: Path) -> None:
    before = files(branch)
    assert str(notifydb("lint", "--fix", "--static")) == snapshot("""\
exit 2
[err]
error: --static proves nothing, and only what is proved is fixed
  next: leave it out
""")
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}"
    assert notifydb("lint", "--fix", NOTIFYDB_SHADOW_URL=nowhere).code == 4
    assert files(branch) == before


def test_a_fix_that_the_shadow_disproves_is_exit_5(branch: SmallProject, lint: Lint) -> None:
    branch.add(
        "0002_name",
        """
        op.create_index("uq_users_name", "users", ["name"], unique=True)
        op.execute("INSERT INTO users (id, name) VALUES (-1, 'x') ON CONFLICT (name) DO NOTHING")
        """,
        'raise NotImplementedError("kept")',
        down="0001_users",
    )
    before = files(branch)
    outcome = lint("--fix")
    assert outcome.code == 5
    assert "the proof failed" in outcome.err
    assert files(branch) == before
