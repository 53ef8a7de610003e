"""A database that is ahead of the folder: `git switch` took away the files of what it has applied."""

from __future__ import annotations

from inline_snapshot import snapshot

from cli.conftest import Repository, matches_schema
from conftest import query
from notifydb.postgres.advisory import advisory_lock


def test_the_branch_switch_story(repository: Repository) -> None:
    repository.branch("other", "0412_other", "0413_more")
    repository.branch("ours", "0412_ours")
    repository.switch("other")
    assert repository.notifydb("upgrade").code == 0
    repository.switch("ours")
    assert str(repository.notifydb("status")) == snapshot("""\
exit 1
[out]
database  0413_more
head      0412_ours
[err]
error: the database is at 0413_more, and no file here has that revision id; it was applied at TIME by SOMEBODY \
and its source is kept in the database
  next: notifydb downgrade 0411_users takes it back; notifydb upgrade --take-back does that and upgrades
""")
    assert str(repository.notifydb("upgrade")) == snapshot("""\
exit 2
[err]
error: the database is at 0413_more, and no file here has that revision id; it was applied at TIME by SOMEBODY \
and its source is kept in the database
  next: notifydb downgrade 0411_users takes it back; notifydb upgrade --take-back does that and upgrades
""")
    for command in (("upgrade", "--dry-run"), ("check", "--database")):
        assert str(repository.notifydb(*command)) == str(repository.notifydb("upgrade"))
    assert str(repository.notifydb("downgrade", "0412_other", "--dry-run")) == snapshot("""\
exit 0
[out]
would downgrade 0413_more
""")
    assert str(repository.notifydb("downgrade", "0412_other")) == snapshot("""\
exit 0
[err]
reverted 0413_more (N s)
1 done; the database is at 0412_other
""")
    assert repository.rows() == ["0412_other"]
    assert str(repository.notifydb("upgrade", "--take-back", "--dry-run")) == snapshot("""\
exit 0
[out]
would downgrade 0412_other
would upgrade 0412_ours
""")
    assert str(repository.notifydb("upgrade", "--take-back")) == snapshot("""\
exit 0
[err]
reverted 0412_other (N s)
applied 0412_ours (N s)
1 taken back, 1 done; the database is at 0412_ours
""")
    assert (repository.rows(), repository.tables()) == (["0412_ours"], ["ours", "users"])
    assert repository.notifydb("check", "--database").code == 0
    repository.switch("other")
    assert repository.notifydb("downgrade", "0411").code == 0
    assert (repository.rows(), repository.tables()) == (["0411_users"], ["users"])


def test_status_and_upgrade_tell_it_as_json(repository: Repository) -> None:
    repository.branch("other", "0412_other")
    repository.notifydb("upgrade")
    repository.branch("ours", "0412_ours")
    status = repository.notifydb("status", "--format", "json")
    assert matches_schema("status", status.json)
    assert (status.json["unknown"], status.json["kept"]) == (["0412_other"], ["0412_other"])
    upgrade = repository.notifydb("upgrade", "--take-back", "--format", "json")
    assert matches_schema("upgrade", upgrade.json)
    assert (upgrade.json["taken_back"], upgrade.json["steps"]) == (["0412_other"], ["0412_ours"])


def test_both_branches_made_the_same_id(repository: Repository) -> None:
    repository.branch("other")
    repository.table("0412_more", "0411_users", table="theirs")
    repository.commit()
    repository.notifydb("upgrade")
    repository.branch("ours")
    repository.table("0412_more", "0411_users", table="ours")
    repository.commit()
    assert str(repository.notifydb("status")) == snapshot("""\
exit 1
[out]
database  0412_more
head      0412_more
pending   0
[err]
error: 0412_more was applied from another file than the one here; next: notifydb upgrade --take-back\
 takes that back and applies this one
""")
    assert repository.notifydb("status", "--format", "json").json["replaced"] == ["0412_more"]
    assert str(repository.notifydb("upgrade")) == snapshot("""\
exit 0
[err]
warning: 0412_more was applied from another file than the one here; next: notifydb upgrade --take-back\
 takes that back and applies this one
nothing to do: the database is at 0412_more
""")
    assert str(repository.notifydb("upgrade", "--take-back")) == snapshot("""\
exit 0
[err]
reverted 0412_more (N s)
applied 0412_more (N s)
1 taken back, 1 done; the database is at 0412_more
""")
    assert (repository.rows(), repository.tables()) == (["0412_more"], ["ours", "users"])
    assert repository.notifydb("status", "--at-head").code == 0


def test_nothing_is_kept_of_the_main_branch_without_git_or_where_something_is_at_stake(
    repository: Repository,
) -> None:
    kept = "SELECT count(*) FROM notifydb.history WHERE source IS NOT NULL"
    repository.notifydb("upgrade")
    assert query(repository.url, kept) == [(0,)]
    repository.branch("ours", "0412_ours", "0413_more")
    repository.notifydb("upgrade", "+1", PATH="/nowhere")
    assert repository.rows() == ["0412_ours"]
    assert query(repository.url, kept) == [(0,)]
    for environment in ("staging", "production", ""):
        assert repository.notifydb("upgrade", "--dry-run", NOTIFYDB_ENVIRONMENT=environment).code == 0
    query(repository.url, "UPDATE notifydb.environment SET name = 'production'")
    assert repository.notifydb("upgrade").code == 0
    assert query(repository.url, kept) == [(0,)]


def test_what_nobody_kept_has_to_be_fetched(repository: Repository) -> None:
    repository.branch("other", "0412_other", "0413_more")
    repository.notifydb("upgrade")
    repository.branch("ours")
    query(repository.url, "UPDATE notifydb.history SET source = NULL WHERE revision = '0412_other'")
    assert str(repository.notifydb("upgrade", "--take-back")) == snapshot("""\
exit 2
[err]
error: the database is at 0413_more, and no file here has that revision id, nor is 0412_other below it kept
  next: switch to the branch that has it (git log --all --oneline -- '*0412_other*' finds it) and \
downgrade there, or deploy the code that brought it
""")
    query(repository.url, "UPDATE notifydb.history SET source = NULL")
    assert str(repository.notifydb("downgrade", "0411")) == snapshot("""\
exit 2
[err]
error: the database is at 0413_more, and no file here has that revision id
  next: switch to the branch that has it (git log --all --oneline -- '*0413_more*' finds it) and \
downgrade there, or deploy the code that brought it
""")
    assert repository.rows() == ["0413_more"]


def test_a_kept_downgrade_that_fails_is_told_at_its_line(repository: Repository) -> None:
    repository.branch("other")
    repository.small.add("0412_other", "pass", 'op.execute("SELECT 1/0")', down="0411_users")
    repository.commit()
    repository.notifydb("upgrade")
    repository.branch("ours", "0412_ours")
    assert str(repository.notifydb("upgrade", "--take-back")) == snapshot("""\
exit 6
[err]
error: 0412_other failed in downgrade() at 0412_other.kept.py:19: division by zero
  next: its transaction was rolled back; mend the migration, then run the same command again
  it ran from its kept source: switch to its branch to mend and run it there
""")
    assert repository.rows() == ["0412_other"]


def test_a_second_runner_takes_nothing_back(repository: Repository) -> None:
    repository.branch("other", "0412_other")
    repository.notifydb("upgrade")
    repository.branch("ours", "0412_ours")
    with advisory_lock(repository.url, wait=0):
        assert repository.notifydb("upgrade", "--take-back", "--lock-wait", "0").code == 4
    assert repository.rows() == ["0412_other"]


def test_a_rebased_migration_is_recognised(repository: Repository) -> None:
    repository.branch("ours", "0412_ours")
    repository.notifydb("upgrade")
    repository.table("0413_ours", "0411_users")
    (repository.small.project.versions / "0412_ours.py").unlink()
    assert str(repository.notifydb("upgrade")) == snapshot("""\
exit 2
[err]
error: the database is at 0412_ours, and no file here has that revision id; the same migration is 0413_ours here
  next: notifydb migrate renumber --restamp
""")


def test_an_older_branch_takes_back_what_main_has_since(repository: Repository) -> None:
    repository.branch("older", "0412_older")
    repository.switch("main")
    repository.table("0412_main", "0411_users")
    repository.commit()
    repository.git("switch", "--quiet", "--create", "newer")
    repository.table("0413_newer", "0412_main")
    repository.commit()
    repository.notifydb("upgrade")
    repository.switch("older")
    assert str(repository.notifydb("upgrade", "--take-back", "--dry-run")) == snapshot("""\
exit 0
[out]
would downgrade 0413_newer
would downgrade 0412_main
would upgrade 0412_older
""")
    assert repository.notifydb("downgrade", "0412_main").code == 0
    assert str(repository.notifydb("upgrade")) == snapshot("""\
exit 2
[err]
error: the database is at 0412_main, and no file here has that revision id; it was applied at TIME by SOMEBODY \
and the main branch has it
  next: merge the main branch, or: notifydb upgrade --take-back
""")
    assert repository.notifydb("upgrade", "--take-back").code == 0
    assert (repository.rows(), repository.tables()) == (["0412_older"], ["older", "users"])


def test_taking_back_another_branch_builds_nothing_on_what_is_half_taken_back(repository: Repository) -> None:
    """An upgrade alone was refused, and with --take-back ran what stands on it."""
    ages, back = 'op.execute("CREATE TABLE ages ()")', 'op.execute("DROP TABLE ages")\nop.execute("COMMIT")'
    side = repository.small.add(
        "0412_side", 'op.execute("CREATE TABLE side ()")', 'op.execute("DROP TABLE side")'
    )
    repository.small.add("0415_ages", ages, f'{back}\nop.execute("SELECT 1/0")', down="0411_users")
    for target in ("0412_side", "0415_ages"):
        assert repository.notifydb("upgrade", target).code == 0
    assert repository.notifydb("downgrade", "-1").code == 6
    side.unlink()
    repository.small.add("0416_more", 'op.execute("CREATE TABLE more ()")', down="0415_ages")
    told = repository.notifydb("upgrade", "--take-back")
    assert told.code == 6
    assert "0415_ages is half taken back" in told.err
    assert repository.rows() == ["0412_side", "0415_ages"]
    repository.small.add("0415_ages", ages, back, down="0411_users")
    assert repository.notifydb("downgrade", "-1").code == 0
    assert repository.notifydb("upgrade", "--take-back").code == 0
    assert repository.rows() == ["0416_more"]
