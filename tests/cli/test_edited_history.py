"""An applied migration whose file was edited is told: by `status`, by `lint`, by `doctor`."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Repository, matches_schema
from conftest import SmallProject


@pytest.fixture
def edited(small_project: SmallProject, notifydb: Notifydb, database: str) -> dict[str, str]:
    """Production has applied `0001_users`, whose file has been edited since."""
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "production", "NOTIFYDB_HEAD_FILE": ""}
    path = small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    assert notifydb("upgrade", **there).code == 0
    path.write_text(path.read_text().replace("sa.Integer", "sa.BigInteger"))
    return there


def test_status_warns_and_still_opens_the_gate(edited: dict[str, str], notifydb: Notifydb) -> None:
    assert str(notifydb("status", "--at-head", **edited)) == snapshot("""\
exit 0
[out]
database  0001_users
head      0001_users
pending   0
[err]
warning: edited after it was applied: 0001_users; next: notifydb doctor
""")
    told = notifydb("status", "--format", "json", **edited).json
    assert matches_schema("status", told)
    assert told["edited"] == ["0001_users"]


def test_lint_compares_with_productions_history(
    edited: dict[str, str], small_project: SmallProject, notifydb: Notifydb
) -> None:
    history = notifydb("history", "--database", "--format", "json", **edited)
    assert matches_schema("history-database", history.json)
    (small_project.project.root / "notifydb-history.json").write_text(history.out)
    found = notifydb("lint", "--all", "--static", "--format", "json", **edited)
    assert found.code == 1
    (finding,) = [each for each in found.json["findings"] if each["rule"] == "edited-after-applied"]
    assert finding["message"].startswith("0001_users was applied from another text than this one")


def test_lint_compares_with_the_main_branch(repository: Repository) -> None:
    repository.switch("main")
    repository.git("switch", "--quiet", "--create", "feature")
    path = repository.small.project.versions / "0411_users.py"

    def names() -> list[str]:
        found = repository.notifydb(
            "lint", "--static", "--format", "json", NOTIFYDB_LINT_IGNORE="head-file"
        ).json
        return [each["rule"] for each in found["findings"]]

    assert names() == []
    path.write_text(path.read_text().replace('"""0411_users', '"""Users'))
    assert names() == []
    path.write_text(path.read_text().replace("sa.Integer", "sa.BigInteger"))
    assert names() == ["edited-after-applied"]


def test_a_history_that_is_none_is_no_silent_pass(
    edited: dict[str, str], small_project: SmallProject, notifydb: Notifydb
) -> None:
    (small_project.project.root / "notifydb-history.json").write_text("{}")
    refused = notifydb("lint", "--all", "--static", **edited)
    assert refused.code == 2
    assert "the history notifydb-history.json cannot be read: it is not of version 1" in refused.err
