"""Linting without any database: what offline mode gives, and what is said where it gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb import errors
from notifydb.findings import Report, Severity
from notifydb.lint.engine import lint
from notifydb.lint.example import Example
from notifydb.lint.options import Options
from notifydb.migrator import offline
from notifydb.migrator.config import Project
from notifydb.revisions.reader import read_history


def _lint(example: Example, root: Path, options: Options | None = None) -> Report:
    revision = example.write(root)
    project = Project(root, root / "migrations")
    history = read_history(project.versions)
    return lint(history, [revision], project, shadows=None, options=options or Options(mode="static"))


def _captured(example: Example, root: Path) -> tuple[offline.Captured, ...]:
    revision = example.write(root)
    project = Project(root, root / "migrations")
    history = read_history(project.versions)
    return offline.capture(project, history, history.revisions[revision])


def test_offline_capture_knows_transactions_and_lines(tmp_path: Path) -> None:
    found = _captured(
        Example("""
            op.execute("SELECT 1")
            with op.get_context().autocommit_block():
                op.execute(
                    "SELECT 2"
                )
            op.execute("SELECT 3")
            op.execute("COMMIT")
            op.execute("SELECT 4")
            """),
        tmp_path,
    )
    assert [(each.sql, each.transaction) for each in found] == [
        ("SELECT 1", 1),
        ("SELECT 2", None),
        ("SELECT 3", 2),
        ("COMMIT", 2),
        ("SELECT 4", None),
    ]
    assert [(each.frames[0].line, each.frames[0].end_line) for each in found[:2]] == [(13, 13), (15, 17)]


def test_what_does_not_run_offline_is_skipped_and_told(tmp_path: Path) -> None:
    report = _lint(Example('op.get_bind().execute(sa.text("SELECT 1")).all()'), tmp_path)
    assert report.findings == ()
    ((subject, level),) = [(each.subject, each.level) for each in report.skipped]
    assert (subject, level) == ("0002_example", "statement")


def test_a_migration_that_cannot_be_imported_is_skipped_and_told(tmp_path: Path) -> None:
    report = _lint(Example("pass", imports="import does_not_exist", downgrade="pass"), tmp_path)
    assert report.findings == ()
    assert "does_not_exist" in report.skipped[0].reason


def test_only_what_is_judged_is_imported(tmp_path: Path) -> None:
    example = Example('op.drop_table("users")')
    example.write(tmp_path)
    versions = tmp_path / "migrations" / "versions"
    before = versions / "0001_before.py"
    before.write_text("raise RuntimeError('imported')\n" + before.read_text())
    (versions / "helper.py").write_text("raise RuntimeError('imported')\n")
    project = Project(tmp_path, tmp_path / "migrations")
    report = lint(
        read_history(versions), ["0002_example"], project, shadows=None, options=Options(mode="static")
    )
    assert [finding.rule for finding in report.findings] == ["drop-table"]
    assert report.skipped == ()


def test_without_imports_only_the_source_is_judged(tmp_path: Path) -> None:
    example = Example('op.drop_table("users")', downgrade="pass", imports="import does_not_exist")
    report = _lint(example, tmp_path, Options(mode="static", imports=False))
    assert [finding.rule for finding in report.findings] == ["empty-downgrade"]
    assert [each.level for each in report.skipped] == ["statement"]


def _without_a_downgrade(tmp_path: Path, instead: str) -> tuple[str, ...]:
    Example('op.add_column("users", sa.Column("nickname", sa.Text))').write(tmp_path)
    path = tmp_path / "migrations" / "versions" / "0002_example.py"
    path.write_text(path.read_text().partition("def downgrade")[0] + instead)
    report = lint(
        read_history(path.parent), ["0002_example"], Project(tmp_path, tmp_path / "migrations"),
        shadows=None, options=Options(mode="static", imports=False),
    )  # fmt: skip
    return tuple(found.message for found in report.findings if found.rule == "empty-downgrade")


def test_a_migration_without_a_downgrade_stops_one(tmp_path: Path) -> None:
    told = "There is no downgrade(): a downgrade past this revision fails before it runs anything."
    assert _without_a_downgrade(tmp_path, "") == (told,)


@pytest.mark.parametrize(
    "instead",
    [
        "from helpers import downgrade\n",
        "from helpers import undo as downgrade\n",
        "from helpers import *\n",
        "downgrade = lambda: None\n",
        "if True:\n    def downgrade():\n        op.drop_column('users', 'nickname')\n",
    ],
)
def test_a_downgrade_from_elsewhere_is_not_said_to_be_missing(instead: str, tmp_path: Path) -> None:
    assert _without_a_downgrade(tmp_path, instead) == ()


def test_what_could_not_be_checked_leaves_its_ignores_alone(tmp_path: Path) -> None:
    example = Example("""
        # notifydb: ignore[drop-table] because nobody uses it
        op.get_bind().execute(sa.text("DROP TABLE users")).all()
        """)
    assert _lint(example, tmp_path).findings == ()


def test_one_operation_is_silenced_and_not_its_twin(tmp_path: Path) -> None:
    report = _lint(
        Example("""
            # notifydb: ignore[drop-column] because nobody reads it
            op.drop_column("users", "name")
            op.drop_column("users", "logins")
            """),
        tmp_path,
    )
    assert [(each.rule, each.location.line) for each in report.findings] == [("drop-column", 15)]


def test_a_loop_tells_its_problem_once(tmp_path: Path) -> None:
    example = Example('for _ in range(3):\n    op.execute("TRUNCATE users")')
    assert len(_lint(example, tmp_path).findings) == 1


def test_the_line_within_a_longer_text(tmp_path: Path) -> None:
    report = _lint(
        Example('''
            op.execute("""
                SELECT 1;

                -- no longer needed
                DROP TABLE
                    users;
            """)
            '''),
        tmp_path,
    )
    (finding,) = report.findings
    assert (finding.location.line, finding.location.end_line) == (17, 18)


def test_severities_can_be_changed(tmp_path: Path) -> None:
    options = Options(mode="static", severities={"drop-table": Severity.INFO})
    report = _lint(Example('op.drop_table("users")'), tmp_path, options)
    assert [finding.severity for finding in report.findings] == [Severity.INFO]
    assert not report.failed


def test_an_unknown_rule_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="no-such-rule"):
        _lint(Example("pass"), tmp_path, Options(mode="static", select=frozenset({"no-such-rule"})))


def test_rows_are_copied_while_another_table_is_locked(tmp_path: Path) -> None:
    example = Example("""
        op.create_table("names", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
        op.add_column("organizations", sa.Column("note", sa.Text))
        op.execute("INSERT INTO names SELECT id, name FROM users")
        """)
    (finding,) = _lint(example, tmp_path).findings
    assert finding.rule == "work-while-locked"
    assert finding.message == (
        "While the rows of names are filled in, every read and write of organizations waits:"
        " the transaction holds ACCESS EXCLUSIVE on it."
    )


def test_code_that_only_a_run_can_judge_is_told(tmp_path: Path) -> None:
    report = _lint(Example('op.execute("DO $$ BEGIN DROP TABLE users; END $$")'), tmp_path)
    assert [(each.subject, each.level) for each in report.skipped] == [("0002_example: line 13", "statement")]
    assert "DO" in report.skipped[0].reason
