"""Rules of reliability in cases that are too many for their examples, judged without a database."""

from __future__ import annotations

from pathlib import Path

import pytest
from rules.judging import judge

from notifydb.lint.example import Example


def _found(rule: str, upgrade: str, root: Path, **options: object) -> list[int]:
    """The lines of the body, from 1, at which the rule found something."""
    report = judge(Example(upgrade, options=options), root, "static", also=rule)
    return [each.location.line - 12 for each in report.findings if each.rule == rule]


@pytest.mark.parametrize(
    ("before", "is_limited"),
    [
        ("op.execute(\"SET LOCAL lock_timeout = '2s'\")", True),
        ('op.execute("SET lock_timeout = 2000")', True),
        ("op.get_bind().execute(sa.text(\"SELECT set_config('lock_timeout', '2s', true)\"))", True),
        ("op.execute(\"SET lock_timeout = '2s'; SET lock_timeout = 0\")", False),
        ('op.execute("SET LOCAL lock_timeout = \'2s\'")\nop.execute("COMMIT")', False),
        ('op.execute("SET lock_timeout = \'2s\'")\nop.execute("COMMIT")', True),
    ],
)
def test_which_lock_timeout_is_in_force(before: str, *, is_limited: bool, tmp_path: Path) -> None:
    body = f'{before}\nop.add_column("users", sa.Column("nickname", sa.Text))'
    expected = [] if is_limited else [body.count("\n") + 1]
    assert _found("lock-timeout-not-set", body, tmp_path) == expected


def test_a_missing_lock_timeout_is_told_once_for_each_transaction(tmp_path: Path) -> None:
    body = """
        op.add_column("users", sa.Column("a", sa.Text))
        op.add_column("users", sa.Column("b", sa.Text))
        with op.get_context().autocommit_block():
            op.execute("ANALYZE users")
        op.add_column("users", sa.Column("c", sa.Text))
        """
    assert _found("lock-timeout-not-set", body, tmp_path) == [1, 5]


@pytest.mark.parametrize(
    ("first", "fails_again"),
    [
        ("CREATE TABLE teams (id integer)", True),
        ("CREATE TABLE IF NOT EXISTS teams (id integer)", False),
        ("ALTER TABLE users ADD COLUMN a text", True),
        ("ALTER TABLE users ADD COLUMN IF NOT EXISTS a text", False),
        ("ALTER TABLE users DROP COLUMN name", True),
        ("ALTER TABLE users DROP COLUMN IF EXISTS name", False),
        ("ALTER TABLE users ADD CONSTRAINT ck CHECK (logins > 0) NOT VALID", True),
        ("ALTER TABLE users RENAME name TO title", True),
        ("DROP TABLE organizations", True),
        ("ALTER TABLE users ALTER name SET DEFAULT ''", False),
        ("UPDATE users SET name = '' WHERE id = 1", False),
        ("SET lock_timeout = '2s'", False),
    ],
)
def test_what_cannot_be_done_twice(first: str, *, fails_again: bool, tmp_path: Path) -> None:
    body = f"""
        op.execute("{first}")
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_a")
            op.execute("CREATE INDEX CONCURRENTLY ix_a ON users (logins)")
        """
    assert _found("cannot-be-run-again", body, tmp_path) == ([1] if fails_again else [])


def test_the_last_step_and_what_is_rolled_back_with_it_can_be_repeated(tmp_path: Path) -> None:
    body = """
        with op.get_context().autocommit_block():
            op.execute("ANALYZE users")
        op.add_column("users", sa.Column("a", sa.Text))
        op.add_column("users", sa.Column("b", sa.Text))
        """
    assert _found("cannot-be-run-again", body, tmp_path) == []


def test_after_a_raw_commit_every_statement_is_a_step(tmp_path: Path) -> None:
    body = """
        op.execute("COMMIT")
        op.add_column("users", sa.Column("a", sa.Text))
        op.add_column("users", sa.Column("b", sa.Text))
        """
    assert _found("cannot-be-run-again", body, tmp_path) == [2]
