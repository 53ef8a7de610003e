"""`migrate renumber --restamp`: a database that has applied what moves follows it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from inline_snapshot import snapshot

from cli.conftest import Repository, matches_schema
from conftest import name_of, query
from notifydb.postgres.advisory import advisory_lock

RESTAMP = ("migrate", "renumber", "--restamp")
#: Runs notifydb until a function is called, or has returned, and kills it there.
KILLED = """
import importlib, os, sys
module, name, when = sys.argv.pop(1).split(":")
owner = importlib.import_module(module)
original = getattr(owner, name)
def killed(*args, **options):
    if when == "after":
        original(*args, **options)
    os.kill(os.getpid(), 9)
setattr(owner, name, killed)
from notifydb.cli.app import main
main()
"""


@pytest.fixture
def merged(repository: Repository) -> Repository:
    """The database has applied `0412_ours` and `0413_more`; main, with `0412_theirs`, was merged since."""
    repository.branch("ours", "0412_ours", "0413_more")
    assert repository.notifydb("upgrade").code == 0
    repository.switch("main")
    repository.table("0412_theirs", "0411_users")
    repository.commit()
    repository.switch("ours")
    repository.git("merge", "--quiet", "main")
    return repository


def is_whole(repository: Repository) -> bool:
    """Whether the database is at the head, and just as a replay would make it."""
    assert repository.rows() == ["0414_more"]
    assert repository.tables() == ["more", "ours", "theirs", "users"]
    assert repository.notifydb("status", "--at-head").code == 0
    return repository.notifydb("check", "--database").code == 0


def test_what_lies_below_runs_first_and_the_files_and_the_version_follow(merged: Repository) -> None:
    assert str(merged.notifydb(*RESTAMP, "--dry-run")).partition("[err]")[2] == snapshot("""\

would upgrade 0412_theirs
would restamp 0412_theirs, 0413_more as 0414_more
""")
    shown = merged.notifydb("migrate", "rebase", "--restamp", "--dry-run")
    assert shown.err.endswith("next: notifydb migrate rebase --restamp\n")
    assert merged.rows() == ["0413_more"]
    assert str(merged.notifydb(*RESTAMP)) == snapshot("""\
exit 0
[out]
0412_ours -> 0413_ours (on 0412_theirs): stands on 0412_theirs now
0413_more -> 0414_more (on 0413_ours): stands on 0413_ours now
[err]
applied 0412_theirs (N s)
restamped: the database is at 0414_more
one line up to 0414_more
git's index has followed: git status
""")
    assert is_whole(merged)
    assert query(
        merged.url, "SELECT revision, outcome FROM notifydb.history WHERE operation = 'restamp' ORDER BY id"
    ) == [(None, "permitted"), (None, "planned"), ("0413_ours", "done"), ("0414_more", "done")]
    assert str(merged.notifydb(*RESTAMP)) == snapshot("""\
exit 0
[err]
nothing to restamp: the database has applied none of what moves
nothing to do: one line up to 0414_more
""")


def test_the_answer_as_json(merged: Repository) -> None:
    answer = merged.notifydb(*RESTAMP, "--format", "json").json
    assert matches_schema("migrate-renumber", answer)
    assert answer["restamped"] == ["0414_more"]
    again = merged.notifydb(*RESTAMP, "--format", "json").json
    assert matches_schema("migrate-renumber", again)
    assert again["restamped"] is None


def test_without_it_the_command_is_told_and_works_afterwards(merged: Repository) -> None:
    assert merged.notifydb("migrate", "renumber").err == snapshot("""\
one line up to 0414_more
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
""")
    assert str(merged.notifydb("upgrade")) == snapshot("""\
exit 2
[err]
error: the database is at 0413_more, and no file here has that revision id; the same migration is 0414_more here
  next: notifydb migrate renumber --restamp
""")
    assert str(merged.notifydb(*RESTAMP)) == snapshot("""\
exit 0
[err]
applied 0412_theirs (N s)
restamped: the database is at 0414_more
nothing to do: one line up to 0414_more
""")
    assert is_whole(merged)


def test_taking_back_is_the_other_way(merged: Repository) -> None:
    merged.notifydb("migrate", "renumber")
    assert merged.notifydb("upgrade", "--take-back").code == 0
    assert is_whole(merged)


def test_a_branch_that_comes_back_after_a_restamp_is_taken_back_from_what_was_kept(
    merged: Repository,
) -> None:
    merged.notifydb(*RESTAMP)
    merged.commit()
    merged.switch("main")
    assert merged.notifydb("upgrade", "--take-back").code == 0
    assert (merged.rows(), merged.tables()) == (["0412_theirs"], ["theirs", "users"])


def test_the_same_id_on_another_parent_needs_it_too(repository: Repository) -> None:
    repository.branch("ours", "0413_ours")
    repository.notifydb("upgrade")
    repository.switch("main")
    repository.table("0412_theirs", "0411_users")
    repository.commit()
    repository.switch("ours")
    repository.git("merge", "--quiet", "main")
    assert repository.notifydb(*RESTAMP).code == 0
    assert (repository.rows(), repository.tables()) == (["0413_ours"], ["ours", "theirs", "users"])
    assert repository.notifydb("check", "--database").code == 0


def test_a_database_that_has_applied_none_of_it(merged: Repository) -> None:
    merged.notifydb("downgrade", "0411")
    assert str(merged.notifydb(*RESTAMP)) == snapshot("""\
exit 0
[out]
0412_ours -> 0413_ours (on 0412_theirs): stands on 0412_theirs now
0413_more -> 0414_more (on 0413_ours): stands on 0413_ours now
[err]
nothing to restamp: the database has applied none of what moves
one line up to 0414_more
git's index has followed: git status
""")
    assert merged.rows() == ["0411_users"]
    assert merged.notifydb("upgrade").code == 0
    assert is_whole(merged)


def test_moved_twice_before_the_database_is_asked(merged: Repository) -> None:
    merged.notifydb("migrate", "renumber")
    merged.commit()
    merged.switch("main")
    merged.table("0413_third", "0412_theirs")
    merged.commit()
    merged.switch("ours")
    merged.git("merge", "--quiet", "main")
    assert merged.notifydb(*RESTAMP).code == 0
    assert merged.rows() == ["0415_more"]
    assert merged.tables() == ["more", "ours", "theirs", "third", "users"]
    assert merged.notifydb("check", "--database").code == 0


@pytest.mark.parametrize(
    ("point", "environment"),
    [
        ("notifydb.migrator.execute:run_each:before", "development"),
        ("notifydb.migrator.execute:run_each:after", "development"),
        ("notifydb.runner.restamp:_plan_in:after", "development"),
        ("notifydb.revisions.changes:_stage_all:after", "development"),
        ("notifydb.revisions.changes:apply:after", "development"),
        ("notifydb.postgres.version:replace_rows:after", "development"),
        ("notifydb.runner.restamp:_write:after", "development"),
        # Where no source is kept, the record of the plan is all there is.
        ("notifydb.revisions.changes:apply:after", "staging"),
    ],
)
def test_killed_anywhere_the_same_command_finishes_it(
    point: str, environment: str, merged: Repository
) -> None:
    query(merged.url, "TRUNCATE notifydb.environment")
    there = {
        "DATABASE_URL": merged.url,
        "NOTIFYDB_ENVIRONMENT": environment,
        "NOTIFYDB_ALLOW_DESTRUCTIVE": "true",
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, point, *RESTAMP],
        cwd=merged.small.project.root, env={**os.environ, **there}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    finished = merged.notifydb(*RESTAMP, **there)
    assert finished.code == 0, finished.err
    assert is_whole(merged)


def test_killed_between_the_files_and_the_database_upgrade_and_status_name_the_command(
    merged: Repository,
) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLED, "notifydb.revisions.changes:apply:after", *RESTAMP],
        cwd=merged.small.project.root,
        env={**os.environ, "DATABASE_URL": merged.url, "NOTIFYDB_ENVIRONMENT": "development"},
        capture_output=True, check=False,
    )  # fmt: skip
    assert merged.rows() == ["0412_theirs", "0413_more"]
    assert str(merged.notifydb("upgrade")) == snapshot("""\
exit 2
[err]
error: a restamp was cut short: 0413_more and 0412_theirs in the database is 0414_more here
  next: notifydb migrate renumber --restamp
""")
    assert str(merged.notifydb("status")) == snapshot("""\
exit 1
[out]
database  0413_more, 0412_theirs
head      0414_more
[err]
error: a restamp was cut short: 0413_more and 0412_theirs in the database is 0414_more here
  next: notifydb migrate renumber --restamp
""")


def test_the_guard_is_asked_before_any_change(merged: Repository) -> None:
    query(merged.url, "TRUNCATE notifydb.environment")
    refused = merged.notifydb(*RESTAMP, NOTIFYDB_ENVIRONMENT="production")
    assert str(refused) == snapshot("""\
exit 3
[err]
error: restamp of database 'TESTDB' is refused
  - the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the \
settings (allow_destructive)
  - the database's name was not typed as confirmation
""")
    allowed = {"NOTIFYDB_ENVIRONMENT": "production", "NOTIFYDB_ALLOW_DESTRUCTIVE": "true"}
    assert merged.notifydb(*RESTAMP, "--confirm", "y", **allowed).code == 3
    assert merged.notifydb(*RESTAMP, NOTIFYDB_ENVIRONMENT="staging").code == 3
    assert (merged.small.project.versions / "0412_ours.py").exists()
    assert merged.rows() == ["0413_more"]
    assert merged.notifydb(*RESTAMP, "--confirm", name_of(merged.url), **allowed).code == 0
    assert is_whole(merged)


def test_a_second_runner_changes_no_file(merged: Repository) -> None:
    with advisory_lock(merged.url, wait=0):
        assert merged.notifydb(*RESTAMP, "--lock-wait", "0").code == 4
    assert (merged.small.project.versions / "0412_ours.py").exists()


def test_what_fails_below_leaves_the_files_where_they_were(merged: Repository) -> None:
    merged.table("0412_theirs", "0411_users", table="ours")
    merged.commit()
    failed = merged.notifydb(*RESTAMP)
    assert (failed.code, 'relation "ours" already exists' in failed.err) == (6, True)
    assert (merged.small.project.versions / "0412_ours.py").exists()
    assert merged.rows() == ["0413_more"]


def test_uncommitted_edits_stop_it_before_the_database(merged: Repository) -> None:
    path = merged.small.project.versions / "0412_ours.py"
    path.write_text(path.read_text() + "# edited\n")
    assert merged.notifydb(*RESTAMP).code == 2
    assert merged.rows() == ["0413_more"]
    assert merged.notifydb(*RESTAMP, "--edited").code == 0
    assert is_whole(merged)


def test_two_files_of_one_id_do_not_tell_which_was_applied(repository: Repository) -> None:
    repository.branch("ours")
    repository.table("0412_more", "0411_users", table="ours")
    repository.commit()
    repository.notifydb("upgrade")
    repository.switch("main")
    theirs = repository.table("0412_more", "0411_users", table="theirs")
    theirs.rename(theirs.with_name("0412_more_of_theirs.py"))
    repository.commit()
    repository.switch("ours")
    repository.git("merge", "--quiet", "main")
    assert str(repository.notifydb(*RESTAMP)) == snapshot("""\
exit 2
[err]
error: two files have the id 0412_more, and the database does not tell which of them it has applied
  next: run this without --restamp, and then: notifydb upgrade --take-back
""")
    assert repository.notifydb("migrate", "renumber").code == 0
    assert str(repository.notifydb(*RESTAMP)) == snapshot("""\
exit 2
[err]
error: 0412_more has to run first, and the database has applied another file of that id
  next: notifydb upgrade --take-back
""")
    assert repository.notifydb("upgrade", "--take-back").code == 0
    assert (repository.rows(), repository.tables()) == (["0413_more"], ["ours", "theirs", "users"])


def test_onto_a_ref_that_is_not_merged_there_is_nothing_to_run(repository: Repository) -> None:
    repository.branch("ours", "0412_ours")
    repository.notifydb("upgrade")
    repository.switch("main")
    repository.table("0412_theirs", "0411_users")
    repository.commit()
    repository.switch("ours")
    assert str(repository.notifydb(*RESTAMP, "--onto", "main")) == snapshot("""\
exit 2
[err]
error: 0412_theirs is not in this folder, so the database cannot apply it
  next: merge first, and then: notifydb migrate renumber --restamp
""")
    assert repository.notifydb("migrate", "renumber", "--onto", "main").code == 0
    repository.commit()
    repository.git("merge", "--quiet", "main")
    assert repository.notifydb(*RESTAMP).code == 0
    assert (repository.rows(), repository.tables()) == (["0413_ours"], ["ours", "theirs", "users"])


def test_in_a_merge_with_a_conflict_in_the_head_file(repository: Repository) -> None:
    head = repository.small.project.script_location / ".current-alembic-head"
    repository.git("switch", "--quiet", "--create", "ours")
    repository.table("0412_ours", "0411_users")
    head.write_text("0412_ours\n")
    repository.commit()
    repository.notifydb("upgrade")
    repository.switch("main")
    repository.table("0412_theirs", "0411_users")
    head.write_text("0412_theirs\n")
    repository.commit()
    repository.switch("ours")
    repository.git("merge", "--quiet", "main", fails=True)
    answer = repository.notifydb("migrate", "rebase", "--restamp", "--format", "json").json
    assert matches_schema("migrate-rebase", answer)
    assert answer["restamped"] == ["0413_ours"]
    assert head.read_text() == "0413_ours\n"
    assert (repository.rows(), repository.tables()) == (["0413_ours"], ["ours", "theirs", "users"])


def test_conflicts_inside_of_migrations_are_resolved_before_the_database_is_asked(
    repository: Repository,
) -> None:
    repository.branch("ours", "0413_ours")
    repository.git("switch", "--quiet", "--create", "theirs")
    for branch in ("theirs", "ours"):
        repository.switch(branch)
        repository.table(f"0412_{branch}_too", "0411_users")
        repository.table("0413_ours", f"0412_{branch}_too")
        repository.commit()
    repository.notifydb("upgrade")
    repository.git("merge", "--quiet", "theirs", fails=True)
    assert "<<<<<<<" in (repository.small.project.versions / "0413_ours.py").read_text()
    rebase = ("migrate", "rebase", "--restamp")
    assert repository.notifydb(*rebase, "--dry-run").err.splitlines() == snapshot(
        [
            "what the database would do shows once the conflicts are resolved",
            "git merge: what MERGE_HEAD has stays",
            "0413_ours.py is one migration, and the conflict only about its place",
            "next: notifydb migrate rebase --restamp",
        ]
    )
    assert str(repository.notifydb(*rebase)) == snapshot("""\
exit 0
[out]
0412_ours_too -> 0414_ours_too (on 0413_ours): stands on 0413_ours now
[err]
applied 0412_theirs_too (N s)
restamped: the database is at 0414_ours_too
git merge: what MERGE_HEAD has stays
0413_ours.py is one migration, and the conflict only about its place
one line up to 0414_ours_too
git's index has followed: git status
next: git commit
""")
    assert repository.tables() == ["ours", "ours_too", "theirs_too", "users"]
    assert repository.notifydb("status", "--at-head").code == 0
    assert repository.notifydb("check", "--database").code == 0


def test_while_a_downgrade_is_half_done_its_revision_does_not_move(repository: Repository) -> None:
    """Under its new id the database seemed to be at the head, and what the downgrade took was missing."""
    back = 'op.execute("DROP TABLE ages")\nop.execute("COMMIT")\nop.execute("SELECT 1 / (count(*) - 1) FROM users")'
    repository.small.add("0415_ages", 'op.execute("CREATE TABLE ages (id int)")', back)
    repository.commit()
    assert repository.notifydb("upgrade").code == 0
    query(repository.url, "INSERT INTO users VALUES (1)")
    assert repository.notifydb("downgrade", "-1").code == 6
    told = repository.notifydb("migrate", "renumber", "--all", "--restamp")
    assert told.code == 6
    assert "0415_ages is half taken back" in told.err
    assert (repository.small.project.versions / "0415_ages.py").exists()
    query(repository.url, "DELETE FROM users")
    assert repository.notifydb("downgrade", "0411_users").code == 0
    assert repository.notifydb("migrate", "renumber", "--all", "--restamp").code == 0
    assert repository.notifydb("upgrade").code == 0
