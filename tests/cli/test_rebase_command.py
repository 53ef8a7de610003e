"""`migrate rebase`: what to type in a merge, a rebase, a cherry-pick, and before any of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject

Git = Callable[..., str]


def commit(small: SmallProject, git: Git, revision: str, down: str | None = None) -> None:
    """A migration, the head file that names it, and the commit of both."""
    small.add(revision, f'op.execute("-- {revision}")', down=down)
    (small.project.script_location / ".current-alembic-head").write_text(f"{revision}\n")
    git("add", ".")
    git("commit", "-qm", revision)


@pytest.fixture
def branches(small_project: SmallProject, git: Git) -> SmallProject:
    """Main has 0001_a and 0002_m; the feature that is checked out 0001_a, 0002_x and 0003_y."""
    commit(small_project, git, "0001_a")
    git("switch", "-qc", "feature")
    commit(small_project, git, "0002_x", "0001_a")
    commit(small_project, git, "0003_y", "0002_x")
    git("switch", "-q", "main")
    commit(small_project, git, "0002_m", "0001_a")
    git("switch", "-q", "feature")
    return small_project


def test_in_a_merge(branches: SmallProject, git: Git, notifydb: Notifydb) -> None:
    git("merge", "main", fails=True)
    assert str(notifydb("migrate", "rebase", "--dry-run")) == snapshot('''\
exit 0
[out]
diff --git a/alembic/versions/0002_x.py b/alembic/versions/0003_x.py
rename from alembic/versions/0002_x.py
rename to alembic/versions/0003_x.py
--- a/alembic/versions/0002_x.py
+++ b/alembic/versions/0003_x.py
@@ -1,14 +1,14 @@
 """0002_x
 \n\
-Revision ID: 0002_x
-Revises: 0001_a
+Revision ID: 0003_x
+Revises: 0002_m
 """
 \n\
 import sqlalchemy as sa
 from alembic import op
 \n\
-revision = '0002_x'
-down_revision = '0001_a'
+revision = '0003_x'
+down_revision = '0002_m'
 \n\
 \n\
 def upgrade():
diff --git a/alembic/versions/0003_y.py b/alembic/versions/0004_y.py
rename from alembic/versions/0003_y.py
rename to alembic/versions/0004_y.py
--- a/alembic/versions/0003_y.py
+++ b/alembic/versions/0004_y.py
@@ -1,14 +1,14 @@
 """0003_y
 \n\
-Revision ID: 0003_y
-Revises: 0002_x
+Revision ID: 0004_y
+Revises: 0003_x
 """
 \n\
 import sqlalchemy as sa
 from alembic import op
 \n\
-revision = '0003_y'
-down_revision = '0002_x'
+revision = '0004_y'
+down_revision = '0003_x'
 \n\
 \n\
 def upgrade():
diff --git a/alembic/.current-alembic-head b/alembic/.current-alembic-head
--- a/alembic/.current-alembic-head
+++ b/alembic/.current-alembic-head
@@ -1,5 +1 @@
-<<<<<<< HEAD
-0003_y
-=======
-0002_m
->>>>>>> main
+0004_y
[err]
git merge: what MERGE_HEAD has stays
next: notifydb migrate rebase
''')
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 0
[out]
0002_x -> 0003_x (on 0002_m): stands on 0002_m now
0003_y -> 0004_y (on 0003_x): stands on 0003_x now
[err]
git merge: what MERGE_HEAD has stays
one line up to 0004_y
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
next: git commit
""")
    assert git("status", "--porcelain") == snapshot("""\
M  alembic/.current-alembic-head
R  alembic/versions/0002_x.py -> alembic/versions/0002_m.py
A  alembic/versions/0003_x.py
R  alembic/versions/0003_y.py -> alembic/versions/0004_y.py
""")
    git("commit", "-qm", "merged")
    assert notifydb("heads").out == "0004_y\n"
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 0
[err]
nothing to do: one line up to 0004_y
""")
    assert notifydb("migrate", "renumber", "--check").code == 0


def test_in_a_rebase_of_several_commits(branches: SmallProject, git: Git, notifydb: Notifydb) -> None:
    git("rebase", "main", fails=True)
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 0
[out]
0002_x -> 0003_x (on 0002_m): stands on 0002_m now
[err]
git rebase: what HEAD has stays
one line up to 0003_x
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
next: git rebase --continue
""")
    git("rebase", "--continue", fails=True)
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 0
[out]
0003_y -> 0004_y (on 0003_x): takes the next number
[err]
git rebase: what HEAD has stays
0003_y stood on 0002_x, which has another id by now
one line up to 0004_y
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
next: git rebase --continue
""")
    git("rebase", "--continue")
    assert notifydb("heads").out == "0004_y\n"
    assert git("log", "--format=%s") == "0003_y\n0002_x\n0002_m\n0001_a\n"
    assert git("status", "--porcelain") == ""


def test_in_a_cherry_pick(branches: SmallProject, git: Git, notifydb: Notifydb) -> None:
    git("switch", "-q", "main")
    git("cherry-pick", "feature~1", fails=True)
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 0
[out]
0002_x -> 0003_x (on 0002_m): stands on 0002_m now
[err]
git cherry-pick: what HEAD has stays
one line up to 0003_x
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
next: git cherry-pick --continue
""")
    git("cherry-pick", "--continue")
    assert notifydb("heads").out == "0003_x\n"


def test_before_a_merge(branches: SmallProject, git: Git, notifydb: Notifydb) -> None:
    assert str(notifydb("migrate", "rebase", "--onto", "main")) == snapshot("""\
exit 0
[out]
0002_x -> 0003_x (on 0002_m): stands on 0002_m now
0003_y -> 0004_y (on 0003_x): stands on 0003_x now
[err]
what main has stays
one line up to 0004_y
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
next: git commit, and then git merge main
""")
    git("commit", "-qm", "on top of main")
    git("merge", "main", fails=True)
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 0
[err]
git merge: what MERGE_HEAD has stays
one line up to 0004_y
git's index has followed: git status
next: git commit
""")
    git("commit", "-qm", "merged")
    assert notifydb("heads").out == "0004_y\n"


def test_a_revert_is_refused(branches: SmallProject, git: Git, notifydb: Notifydb) -> None:
    git("revert", "--no-commit", "HEAD")
    git("reset", "-q", "--hard")
    git("revert", "HEAD~1", fails=True)
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 2
[err]
error: git revert takes away a migration that databases may have run, and they could not go on
  next: git revert --abort, and then: notifydb migrate new -m "take back ..."
""")


def test_other_conflicts_are_named_before_the_next_command(
    branches: SmallProject, git: Git, notifydb: Notifydb
) -> None:
    for branch in ("main", "feature"):
        git("switch", "-q", branch)
        (branches.project.root / "app.py").write_text(f"# {branch}\n")
        git("add", ".")
        git("commit", "-qm", "app")
    git("merge", "main", fails=True)
    last = notifydb("migrate", "rebase").err.splitlines()[-1]
    assert last == "next: resolve and git add app.py; then git commit"


def test_without_git_the_head_that_moves_is_named(small_project: SmallProject, notifydb: Notifydb) -> None:
    for name, down in (("0001_a", None), ("0002_m", "0001_a"), ("0002_x", "0001_a"), ("0003_y", "0002_x")):
        small_project.add(name, "pass", down=down)
    assert str(notifydb("migrate", "rebase")) == snapshot("""\
exit 2
[err]
error: nothing tells which branch stays: 0002_m, 0003_y
  next: say which one moves: notifydb migrate rebase 0003_y
""")
    assert str(notifydb("migrate", "rebase", "0002_x")) == snapshot("""\
exit 2
[err]
error: 0002_x is no head of the history; there are: 0002_m, 0003_y
  next: notifydb heads
""")
    assert str(notifydb("migrate", "rebase", "0003", "--dry-run")).endswith(
        "next: notifydb migrate rebase 0003\n"
    )
    assert str(notifydb("migrate", "rebase", "0003")) == snapshot("""\
exit 0
[out]
0002_x -> 0003_x (on 0002_m): stands on 0002_m now
0003_y -> 0004_y (on 0003_x): stands on 0003_x now
[err]
all but 0003_y stays
one line up to 0004_y
git's index is as it was: not a git repository (or any of the parent directories): .git
a database that applied what moved follows with: notifydb migrate renumber --restamp
""")
    assert notifydb("heads").out == "0004_y\n"


def test_json(branches: SmallProject, git: Git, notifydb: Notifydb) -> None:
    git("merge", "main", fails=True)
    planned = notifydb("migrate", "rebase", "--dry-run", "--format", "json")
    assert matches_schema("migrate-rebase", planned.json)
    assert (planned.json["moved"], planned.json["next"]) == (False, "notifydb migrate rebase")
    done = notifydb("migrate", "rebase", "--format", "json")
    assert matches_schema("migrate-rebase", done.json)
    assert (done.json["moved"], done.json["staged"], done.json["next"]) == (True, True, "git commit")
    again = notifydb("migrate", "rebase", "--format", "json")
    assert matches_schema("migrate-rebase", again.json)
    assert (again.code, again.json["moves"]) == (0, [])
