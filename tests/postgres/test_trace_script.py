"""Plain SQL is run on a clone of the head's state, in psql's transactions, and judged by what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb import errors
from notifydb.findings import Report
from notifydb.lint.engine import lint
from notifydb.lint.example import Example
from notifydb.lint.options import Options
from notifydb.lint.script import read_scripts
from notifydb.migrator.config import Project
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows

pytestmark = pytest.mark.postgres
Judge = Callable[..., Report]


@pytest.fixture
def judge(tmp_path: Path, server_url: str) -> Judge:
    """Judges a script in a project whose second migration made the table `teams`."""
    Example('op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("n", sa.Integer))').write(
        tmp_path
    )
    project = Project(tmp_path, tmp_path / "migrations")
    history = read_history(project.versions)
    shadows = Shadows(server_url, project, history, keep=100)

    def run(text: str, *, single_transaction: bool = False) -> Report:
        scripts = read_scripts(Path("<stdin>"), text, single_transaction=single_transaction)
        options = Options(mode="trace", ignore=frozenset({"cannot-be-run-again"}))
        return lint(history, (), project, shadows=shadows, scripts=scripts, options=options)

    return run


def _told(report: Report) -> list[tuple[str, int, str]]:
    return [(each.rule, each.location.line, each.status) for each in report.findings]


def test_what_a_script_does_is_seen_at_its_line(judge: Judge) -> None:
    report = judge("SELECT 100 % 3;\n\nCREATE INDEX i\n    ON teams (n);\n")
    (finding,) = report.findings
    assert (finding.rule, finding.location.line, finding.location.end_line, finding.status) == (
        "create-index-not-concurrent", 3, 4, "confirmed",
    )  # fmt: skip
    assert (finding.rows_scanned, finding.revision) == (1000, None)
    assert {(lock.relation, lock.mode) for lock in finding.locks} == {("teams", "Share")}
    assert report.skipped == ()
    assert report.untraced is None


def test_the_state_is_the_heads(judge: Judge) -> None:
    assert _told(judge("ALTER TABLE teams ADD COLUMN n integer;")) == [("migration-fails", 1, "confirmed")]


def test_locks_are_held_to_the_end_of_the_scripts_transaction(judge: Judge) -> None:
    reads = "SELECT count(*) FROM teams;\nDO $$ BEGIN PERFORM 1 FROM teams; END $$;"
    alone = f"LOCK TABLE teams IN ACCESS EXCLUSIVE MODE;\n{reads}"
    assert "scan-under-lock" not in {rule for rule, _, _ in _told(judge(reads))}
    together = {(rule, line) for rule, line, _ in _told(judge(f"BEGIN;\n{alone}\nCOMMIT;"))}
    assert ("scan-under-lock", 3) in together
    assert ("scan-under-lock", 2) in {
        (rule, line) for rule, line, _ in _told(judge(alone, single_transaction=True))
    }


def test_a_concurrent_index_runs_in_psqls_way(judge: Judge) -> None:
    concurrently = "CREATE INDEX CONCURRENTLY i ON teams (n);"
    assert _told(judge(concurrently)) == []
    assert [(rule, line) for rule, line, _ in _told(judge(f"BEGIN;\n{concurrently}\nCOMMIT;"))] == [
        ("concurrent-index-in-transaction", 2)
    ]


def test_alembics_script_runs_each_part_on_its_own_state(judge: Judge) -> None:
    """On the head's state, making the table again would fail."""
    report = judge(
        "BEGIN;\n-- Running upgrade 0001_before -> 0002_example\nCREATE TABLE teams (id integer);\n"
        "CREATE INDEX i ON teams (id);\nUPDATE alembic_version SET version_num='0002_example';\n"
        "-- Running upgrade 0002_example -> 0003_next\nCREATE INDEX i2 ON teams (n);\nCOMMIT;\n"
    )
    assert _told(report) == [("create-index-not-concurrent", 7, "confirmed")]
    assert [each.revision for each in report.findings] == ["0003_next"]


def test_what_was_not_run_is_told_and_judged_as_it_reads(judge: Judge) -> None:
    report = judge("DROP TABLE nobody;\nCREATE INDEX i ON teams (n);")
    assert ("create-index-not-concurrent", 2, "static") in _told(report)
    assert ("migration-fails", 1, "confirmed") in _told(report)
    assert [each.reason for each in report.skipped] == ["not run after a statement that failed (1)"]
    unknown = judge("-- Running upgrade 0009_x -> 0010_y\nSELECT 1;")
    assert [each.reason for each in unknown.skipped] == ["the history has no 0009_x"]


@pytest.mark.parametrize("text", ["CREATE ROLE notifydb_r;", "DROP  DATABASE x;", "ALTER SYSTEM SET a = b;"])
def test_what_would_change_the_server_is_not_run(text: str, judge: Judge) -> None:
    (skipped,) = judge(f"SELECT 1;\n{text}").skipped
    assert skipped.reason.endswith("reaches beyond the shadow database")


def test_without_a_server_the_trace_cannot_be_demanded(tmp_path: Path) -> None:
    Example("pass").write(tmp_path)
    project = Project(tmp_path, tmp_path / "migrations")
    history = read_history(project.versions)
    scripts = read_scripts(Path("x.sql"), "SELECT 1")
    with pytest.raises(errors.ShadowUnavailable):
        lint(history, (), project, shadows=None, scripts=scripts, options=Options(mode="trace"))
