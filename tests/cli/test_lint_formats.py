"""`notifydb lint` as people, GitHub and GitLab read it: whole outputs."""

# ruff: noqa: E501
from __future__ import annotations

import functools
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject


@pytest.fixture
def notifydb(notifydb: Notifydb) -> Notifydb:
    """With two rules, so that a new one changes nothing here."""
    return functools.partial(notifydb, NOTIFYDB_LINT_SELECT="create-index-not-concurrent,drop-column")


@pytest.fixture(autouse=True)
def migrations(small_project: SmallProject) -> None:
    small_project.add(
        "0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))', 'op.drop_table("users")'
    )
    small_project.add(
        "0002_names",
        """
        op.add_column("users", sa.Column("name", sa.Text))
        op.create_index("ix_users_name", "users", ["name"])
        op.drop_column("users", "id")
        """,
        'op.drop_column("users", "name")',
    )
    (small_project.project.script_location / ".current-alembic-head").write_text("0002_names\n")


def test_for_people(notifydb: Notifydb) -> None:
    assert str(notifydb("lint", "0002", "--static")) == snapshot("""\
exit 1
[out]
alembic/versions/0002_names.py
   16: error: create-index-not-concurrent
     16 | op.create_index("ix_users_name", "users", ["name"])
    sends: CREATE INDEX ix_users_name ON users (name)
    While the index is built on users, every read and write of it waits.
    Safe form:
        Build it outside of the transaction, and clear away what a failed attempt left behind:

        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
            op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)

   17: warning: drop-column
     17 | op.drop_column("users", "id")
    sends: ALTER TABLE users DROP COLUMN id
    Running code that still reads or writes users.id fails, and its data is gone.
    Safe form:
        First deploy code that does not map the column any more, then drop it, and say that this was
        done:

        # notifydb: ignore[drop-column] because the code stopped using it in release ...
        op.drop_column("users", "id")

2 findings (1 error, 1 warning) in 1 migration, not run on a shadow: --static was given.
  next: notifydb rules create-index-not-concurrent
  or, to keep it as it is, on its line: # notifydb: ignore[create-index-not-concurrent] because ...
  or, to see 1 of them mended: notifydb lint --diff
""")


def test_json_counts_and_says_who_waits(notifydb: Notifydb, server_url: str) -> None:
    found = notifydb("lint", "0002", "--format", "json", NOTIFYDB_SHADOW_URL=server_url)
    assert matches_schema("lint", found.json)
    assert found.json["counts"] == snapshot(
        {"error": 1, "warning": 1, "info": 0, "refuted": 0, "skipped": 0, "revisions": 1, "files": 0}
    )
    index = next(each for each in found.json["findings"] if each["rule"] == "create-index-not-concurrent")
    assert index["waits"] == snapshot("every read and write of users waits")


def test_github_with_the_job_s_summary(notifydb: Notifydb, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of another step\n\n")
    found = notifydb("lint", "0002", "--static", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert str(found) == snapshot("""\
exit 1
[out]
::error file=alembic/versions/0002_names.py,line=16,endLine=16,title=create-index-not-concurrent (static)::While the index is built on users, every read and write of it waits.%0A%0ABuild it outside of the transaction, and clear away what a failed attempt left behind:%0A%0Awith op.get_context().autocommit_block():%0A    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")%0A    op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
::warning file=alembic/versions/0002_names.py,line=17,endLine=17,title=drop-column (static)::Running code that still reads or writes users.id fails, and its data is gone.%0A%0AFirst deploy code that does not map the column any more, then drop it, and say that this was done:%0A%0A# notifydb: ignore[drop-column] because the code stopped using it in release ...%0Aop.drop_column("users", "id")
""")
    assert summary.read_text() == snapshot("""\
of another step

### notifydb lint

2 findings (1 error, 1 warning) in 1 migration, not run on a shadow: --static was given.

| severity | where | rule | what happens |
|---|---|---|---|
| error | alembic/versions/0002\\_names.py:16 | create-index-not-concurrent | While the index is built on users, every read and write of it waits. |
| warning | alembic/versions/0002\\_names.py:17 | drop-column | Running code that still reads or writes users.id fails, and its data is gone. |

<details><summary>create-index-not-concurrent: what to do instead</summary>

    Build it outside of the transaction, and clear away what a failed attempt left behind:

    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
        op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)

</details>

<details><summary>drop-column: what to do instead</summary>

    First deploy code that does not map the column any more, then drop it, and say that this was done:

    # notifydb: ignore[drop-column] because the code stopped using it in release ...
    op.drop_column("users", "id")

</details>

""")


def test_a_summary_that_cannot_be_written_is_told_and_changes_nothing(
    notifydb: Notifydb, tmp_path: Path
) -> None:
    there = {"GITHUB_STEP_SUMMARY": str(tmp_path / "gone" / "summary.md")}
    found = notifydb("lint", "0002", "--static", "--format", "github", **there)
    assert found.code == 1
    assert found.out == notifydb("lint", "0002", "--static", "--format", "github").out
    assert "the job's summary is not written" in found.err


def test_other_formats_leave_the_summary_alone(notifydb: Notifydb, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    notifydb("lint", "0002", "--static", GITHUB_STEP_SUMMARY=str(summary))
    assert not summary.exists()


def test_gitlab(notifydb: Notifydb) -> None:
    assert notifydb("lint", "0002", "--static", "--format", "gitlab").json == snapshot(
        [
            {
                "description": "While the index is built on users, every read and write of it waits.",
                "check_name": "create-index-not-concurrent",
                "fingerprint": "4466618f59b6e6f2faa76c27e338d2f6",
                "severity": "critical",
                "location": {"path": "alembic/versions/0002_names.py", "lines": {"begin": 16, "end": 16}},
            },
            {
                "description": "Running code that still reads or writes users.id fails, and its data is gone.",
                "check_name": "drop-column",
                "fingerprint": "7d97cb8be340a0d8ca92227ca5ce114c",
                "severity": "major",
                "location": {"path": "alembic/versions/0002_names.py", "lines": {"begin": 17, "end": 17}},
            },
        ]
    )
    assert notifydb("lint", "0001", "--static", "--format", "gitlab").json == []
