"""`lint` is told which Postgres production runs: by option, by its own setting, or by autogen's."""

from __future__ import annotations

import pytest

from cli.conftest import Notifydb
from conftest import SmallProject


@pytest.fixture(autouse=True)
def migrations(small_project: SmallProject) -> None:
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    small_project.add(
        "0002_note", 'op.execute("ALTER TABLE users ADD CHECK (id > 0) NOT ENFORCED")', "raise ValueError"
    )


def _lint(notifydb: Notifydb, *options: str, **variables: str) -> list[str]:
    outcome = notifydb(
        "lint", "0002", "--static", "--format", "json", *options,
        NOTIFYDB_LINT_SELECT="needs-newer-postgres", **variables,
    )  # fmt: skip
    return [each["message"] for each in outcome.json["findings"]]


def test_the_version_is_said_once(notifydb: Notifydb) -> None:
    on_15 = ["It fails on PostgreSQL 15: NOT ENFORCED came with 18."]
    assert _lint(notifydb) == []
    assert _lint(notifydb, "--target-version", "15") == on_15
    assert _lint(notifydb, NOTIFYDB_LINT_TARGET_VERSION="15") == on_15
    assert _lint(notifydb, NOTIFYDB_AUTOGEN_TARGET_VERSION="15") == on_15
    assert _lint(notifydb, "--target-version", "18", NOTIFYDB_AUTOGEN_TARGET_VERSION="15") == []


def test_a_version_that_is_too_old_is_refused(notifydb: Notifydb) -> None:
    outcome = notifydb("lint", "0002", "--static", "--target-version", "12")
    assert outcome.code == 2
    assert "12 is not in the range x>=13" in outcome.err
