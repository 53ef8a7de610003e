"""The pre-commit hooks, run as pre-commit does, and the pages' snippets that say how to use them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Outcome
from conftest import ROOT, SmallProject

HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
}
HEAD = "alembic/.current-alembic-head"


@pytest.fixture
def committed(small_project: SmallProject, git: Callable[..., str]) -> SmallProject:
    """0001_users and the head file on main; 0002_name is staged on a branch."""
    small_project.add("0001_users", "pass", 'raise NotImplementedError("first")')
    name_head(small_project, "0001_users")
    git("add", ".")
    git("commit", "-qm", "one")
    git("switch", "-qc", "feature")
    small_project.add("0002_name", 'op.execute("SELECT 1")', 'raise NotImplementedError("first")')
    name_head(small_project, "0002_name")
    git("add", ".")
    return small_project


def name_head(project: SmallProject, revision: str) -> None:
    (project.project.root / HEAD).write_text(f"{revision}\n")


@pytest.fixture
def commit(git: Callable[..., str], notifydb: Notifydb) -> Callable[[str], Outcome | None]:
    """Runs a hook on what is staged, as `git commit` would have it run; None if nothing concerns it."""

    def run(hook: str) -> Outcome | None:
        git("add", "-A")
        changed = git("diff", "--cached", "--name-only", "--diff-filter=ACMRTUXB").splitlines()
        names = [name for name in changed if re.search(HOOKS[hook]["files"], name)]
        program, *arguments = shlex.split(HOOKS[hook]["entry"])
        assert program == "notifydb"
        given = names if HOOKS[hook].get("pass_filenames", True) else []
        return notifydb(*arguments, *given) if names else None

    return run


def test_both_hooks_pass(committed: SmallProject, commit: Callable[[str], Outcome | None]) -> None:
    assert str(commit("notifydb-renumber")) == snapshot("""\
exit 0
[err]
nothing to do: one line up to 0002_name
""")
    assert str(commit("notifydb-lint")) == snapshot("""\
exit 0
[out]
0 findings in 1 migration, not run on a shadow: --static was given.
""")


def test_two_heads_stop_a_commit(committed: SmallProject, commit: Callable[[str], Outcome | None]) -> None:
    committed.add("0002_other", "pass", down="0001_users")
    assert str(commit("notifydb-renumber")) == snapshot("""\
exit 1
[out]
0002_other -> 0003_other (on 0002_name): stands on 0002_name now
[err]
next: notifydb migrate renumber
""")


def test_a_stale_head_file_stops_a_commit(
    committed: SmallProject, commit: Callable[[str], Outcome | None]
) -> None:
    name_head(committed, "0001_users")
    assert str(commit("notifydb-renumber")) == snapshot("""\
exit 1
[out]
the head file has to name 0002_name
[err]
next: notifydb migrate renumber
""")


def test_the_head_file_alone_is_looked_at(
    committed: SmallProject, git: Callable[..., str], commit: Callable[[str], Outcome | None]
) -> None:
    git("commit", "-qm", "two")
    name_head(committed, "0009_gone")
    found = commit("notifydb-renumber")
    assert found is not None
    assert found.code == 1


def test_a_dangerous_migration_stops_a_commit_without_a_database(
    committed: SmallProject, commit: Callable[[str], Outcome | None]
) -> None:
    committed.add("0003_drop", 'op.drop_table("users")', 'raise NotImplementedError("gone")')
    name_head(committed, "0003_drop")
    found = commit("notifydb-lint")
    assert found is not None
    assert (found.code, "   15: warning: drop-table" in found.out) == (1, True)


def test_a_helper_beside_the_migrations_is_no_error(
    committed: SmallProject, commit: Callable[[str], Outcome | None]
) -> None:
    (committed.project.versions / "__init__.py").write_text("x = 1\n")
    assert str(commit("notifydb-lint")) == snapshot("""\
exit 0
[out]
0 findings in 1 migration, not run on a shadow: --static was given.
[err]
__init__.py holds no migration
""")


def test_a_file_elsewhere_is_an_error(committed: SmallProject, notifydb: Notifydb) -> None:
    (committed.project.root / "helper.py").write_text("x = 1\n")
    assert notifydb("lint", "--static", "helper.py").code == 2


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_other_files_do_not_start_a_hook(hook: str) -> None:
    pattern = HOOKS[hook]["files"]
    assert re.search(pattern, "alembic/versions/0001_users.py")
    assert re.search(pattern, "backend/migrations/versions/0001_users.py")
    assert bool(re.search(pattern, HEAD)) == (hook == "notifydb-renumber")
    for name in (
        "app/versions/models.py",
        "alembic/env.py",
        "alembic/versions/old/0001.py",
        "alembic/versions/a.pyc",
    ):
        assert not re.search(pattern, name)


def snippets() -> list[Any]:
    text = (ROOT / "docs" / "git.md").read_text()
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_snippet_to_paste_is_the_hooks_without_an_environment_of_their_own() -> None:
    (local,) = snippets()[0]["repos"]
    kept = {"id", "name", "entry", "files", "pass_filenames", "require_serial"}
    for hook in local["hooks"]:
        assert hook == {
            **{key: value for key, value in HOOKS[hook["id"]].items() if key in kept},
            "language": "system",
        }
    assert {hook["id"] for hook in local["hooks"]} == set(HOOKS)


def test_the_snippet_of_a_repository_names_hooks_that_there_are() -> None:
    (repository,) = snippets()[1]["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == set(HOOKS)


def test_the_steps_of_the_workflow_run(committed: SmallProject, notifydb: Notifydb, server_url: str) -> None:
    steps = snippets()[2]["jobs"]["migrations"]["steps"]
    commands = [shlex.split(step["run"]) for step in steps if step.get("run", "").startswith("notifydb")]
    assert len(commands) == 3
    for _, *arguments in commands:
        assert notifydb(*arguments, NOTIFYDB_SHADOW_URL=server_url).code == 0, arguments
